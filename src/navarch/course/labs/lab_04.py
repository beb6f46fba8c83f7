"""Lab 04, The Storage Hierarchy: who feeds a thousand accelerators, and why enough on average is not enough."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Lab 04: The Storage Hierarchy")


@app.cell
def _():
    from navarch.course.frame import Lab
    from navarch.course.storage_hierarchy import columns, demand, picture, words
    from navarch.course.storage_hierarchy.variant import variant_of

    lab = Lab.open("04")
    evidence = lab.evidence()
    mine = variant_of(lab.seed)
    return columns, demand, evidence, lab, mine, picture, words


@app.cell
def _(lab, picture):
    lab.page(
        lab.title(),
        lab.provocation(
            "A thousand accelerators, each eating 2,500 images a second. Who feeds them?",
            "They were bought for what they compute. What they compute on lies somewhere: on drives beside them, on a "
            "file system that all share, in an object store far away. Each is larger than the last, and slower.",
            lab.figure(
                picture.provocation(),
                "The storage hierarchy, and who hangs on it.",
                "A step begins when every square has its batch.",
                alt=picture.TOLD,
            ),
        ),
    )
    return


@app.cell
def _(demand, lab, mine, words):
    _asked = words.bytes_(mine)
    eaten = lab.predict(
        "bytes",
        _asked.asked,
        unit="byte/s",
        answer="demand",
        objective=["4.2", "4.3"],
        uses=[demand.bytes_a_second],
        context=_asked.context,
    )
    return (eaten,)


@app.cell
def _(eaten, lab):
    lab.page(lab.section("Part 1", "What they eat"), eaten.ask())
    return


@app.cell
def _():
    from navarch.course.storage_hierarchy import (
        challenge,
        checkpoints,
        cluster,
        feeding,
        figures,
        measured,
        small_files,
        surprise,
    )

    return challenge, checkpoints, cluster, feeding, figures, measured, small_files, surprise


@app.cell
def _(cluster, demand, eaten, lab, mine):
    eaten.gate()
    cluster.warm()
    eater_knobs = lab.controls(
        accelerators=lab.steps("Accelerators", demand.accelerators(), "1", mine.accelerators),
        rate=lab.steps("Images a second of each", demand.rates(), "1", mine.rate),
        sample=lab.steps("Size of an image", demand.samples(), "byte", mine.sample),
    )
    return (eater_knobs,)


@app.cell
def _(columns, demand, eaten, eater_knobs, evidence, figures, lab, mine, surprise):
    _key = eaten.reveal(demand.bytes_a_second, **surprise.eater_inputs(mine))
    _shown = eaten.reveal(demand.bytes_a_second, **eater_knobs.value)
    lab.page(
        eaten.beside(_key["demand"]),
        eater_knobs,
        lab.figure(
            figures.tiers(_shown),
            "The same bytes from each tier.",
            "How many units read so much together, how long a request waits for its first byte, and what it costs to "
            "keep the data set. Nobody is best at all three.",
            alt=figures.tiers_told(_shown),
            rows=_shown.rows,
            units=columns.TIERS,
        ),
        lab.readings(_shown, "demand", "one", "dataset", "epoch", "tokens", "times"),
        lab.text(
            "A request that takes longer must have more company: bytes in flight are rate times latency (Little's "
            "law). The table behind the figure has the requests that must be under way at every moment. A language "
            "model on as many accelerators reads a few bytes for each token, and hardly notices its storage, so far."
        ),
        evidence.keep("demand", _shown),
    )
    return


@app.cell
def _(eaten, feeding, lab, mine, words):
    eaten.gate()
    _asked = words.starved(mine)
    starved = lab.predict(
        "starved",
        _asked.asked,
        unit="fraction",
        answer="still",
        objective=["4.1", "4.2"],
        uses=[feeding.fed, feeding.the_tail, feeding.by_prefetch],
        context=_asked.context,
    )
    return (starved,)


@app.cell
def _(lab, starved):
    lab.page(lab.section("Part 2", "Enough on average"), starved.ask())
    return


@app.cell
def _(feeding, lab, mine, starved):
    starved.gate()
    fed_knobs = lab.controls(
        accelerators=lab.steps("Accelerators fed", feeding.accelerators(), "1", mine.accelerators),
        supply=lab.steps("It reads, times what is eaten", feeding.supplies(), "1", mine.bought.supply),
        prefetch=lab.steps("Batches ahead", feeding.prefetches(), "1", mine.bought.prefetch),
        system=lab.choice("Storage", feeding.systems(), mine.bought.system),
        together=lab.toggle("All wait for each other", start=True),
    )
    return (fed_knobs,)


@app.cell
def _(columns, evidence, fed_knobs, feeding, figures, lab, mine, starved, surprise):
    _key = starved.reveal(feeding.fed, **surprise.fed_inputs(mine))
    _shown = starved.reveal(feeding.fed, rate=mine.rate, sample=mine.sample, **fed_knobs.value)
    lab.page(
        starved.beside(_key["still"]),
        fed_knobs,
        lab.figure(
            figures.steps(_shown),
            "Hardly anybody is late. Everybody waits.",
            "Simulated request by request. Blue is the computation of a step, red is how long all had waited for the "
            "last batch; the number above is how many accelerators were late.",
            alt=figures.steps_told(_shown),
            rows=_shown.rows,
            units=columns.STEPS,
        ),
        lab.readings(_shown, "still", "late", "steps", "supply", "units", "average", "expected"),
        evidence.keep("starved", _shown),
    )
    return


@app.cell
def _(columns, evidence, fed_knobs, feeding, figures, lab, mine, starved):
    _tail = starved.reveal(feeding.the_tail, rate=mine.rate, sample=mine.sample, **fed_knobs.value)
    lab.page(
        lab.figure(
            figures.tail(_tail),
            "The tail at scale.",
            "If each batch is late by chance, as often as it was in the run above: how many steps wait, by how many "
            "accelerators must be there. The dot is the run.",
            alt=figures.tail_told(_tail),
            rows=_tail.rows,
            units=columns.TAIL,
        ),
        evidence.keep("tail", _tail),
    )
    return


@app.cell
def _(columns, evidence, feeding, figures, lab, mine, starved, surprise):
    _shown = starved.reveal(feeding.by_prefetch, **surprise.bought_inputs(mine))
    lab.page(
        lab.section("Simulate", "How far ahead is far enough?"),
        lab.figure(
            figures.prefetch(_shown),
            "Batches ahead are worth more than bandwidth.",
            "Your storage, with loaders that are ever further ahead. Theory takes each request as late by itself; the "
            "simulation has them queue behind each other.",
            alt=figures.prefetch_told(_shown),
            rows=_shown.rows,
            units=columns.PREFETCH,
        ),
        lab.readings(_shown, "enough"),
        evidence.keep("prefetch", _shown),
    )
    return


@app.cell
def _(checkpoints, feeding, lab, mine, starved, words):
    starved.gate()
    _asked = words.checkpoint(mine)
    saved = lab.predict(
        "checkpoint",
        _asked.asked,
        unit="s",
        answer="time",
        objective=["4.1", "4.2"],
        uses=[checkpoints.write_a_checkpoint, checkpoints.what_sizes_it, feeding.beside_a_checkpoint],
        context=_asked.context,
    )
    return (saved,)


@app.cell
def _(lab, saved):
    lab.page(lab.section("Part 3", "What is written"), saved.ask())
    return


@app.cell
def _(checkpoints, lab, mine, saved, surprise):
    saved.gate()
    saved_knobs = lab.controls(
        model=lab.choice("Model", checkpoints.models(), surprise.checkpoint_inputs(mine)["model"]),
        accelerators=lab.steps("Accelerators that train it", checkpoints.fleets(), "1", mine.saved.accelerators),
        interval=lab.steps("Training between two checkpoints", checkpoints.intervals(), "s", mine.saved.interval),
        tokens=lab.steps("Size of the data set", checkpoints.tokens(), "token", mine.saved.tokens),
        system=lab.choice("Storage of the tokens", checkpoints.systems(), mine.saved.system),
    )
    return (saved_knobs,)


@app.cell
def _(checkpoints, columns, evidence, figures, lab, mine, saved, saved_knobs, surprise):
    _key = saved.reveal(checkpoints.write_a_checkpoint, **surprise.checkpoint_inputs(mine))
    _shown = saved.reveal(checkpoints.write_a_checkpoint, **saved_knobs.value)
    lab.page(
        saved.beside(_key["time"]),
        saved_knobs,
        lab.figure(
            figures.modes(_shown),
            "The same bytes, three ways.",
            "Training waits for all of the write, or only until the state is copied to the hosts' memory. What is not "
            "written yet is lost with a node; on its drives it survives a crash of the process, on shared storage that "
            "of the node.",
            alt=figures.modes_told(_shown),
            rows=_shown.rows,
            units=columns.MODES,
        ),
        lab.readings(_shown, "time", "size", "units", "write", "read", "asked", "times", "needed", "synchronous"),
        evidence.keep("checkpoint", _shown),
    )
    return


@app.cell
def _(checkpoints, columns, evidence, figures, lab, saved, saved_knobs):
    _sized = saved.reveal(
        checkpoints.what_sizes_it,
        accelerators=saved_knobs.value["accelerators"],
        tokens=saved_knobs.value["tokens"],
        system=saved_knobs.value["system"],
    )
    lab.page(
        lab.figure(
            figures.sized(_sized),
            "Checkpoints, not samples, size the storage.",
            "Units that hold and read the tokens, and units that write a checkpoint in two minutes.",
            alt=figures.sized_told(_sized),
            rows=_sized.rows,
            units=columns.SIZED,
        ),
        evidence.keep("sized", _sized),
    )
    return


@app.cell
def _(feeding, lab, saved, surprise, mine):
    saved.gate()
    _told = surprise.beside_inputs(mine)
    beside_knobs = lab.controls(
        supply=lab.steps("The images' storage reads, times what is eaten", feeding.supplies(), "1", _told["supply"]),
        prefetch=lab.steps("Batches ahead of the images", feeding.prefetches(), "1", _told["prefetch"]),
        depth=lab.choice("Chunks that each node writes at once", feeding.depths(), _told["depth"]),
    )
    return (beside_knobs,)


@app.cell
def _(beside_knobs, columns, evidence, feeding, figures, lab, mine, saved, surprise, words):
    _shown = saved.reveal(feeding.beside_a_checkpoint, **{**surprise.beside_inputs(mine), **beside_knobs.value})
    lab.page(
        lab.section("Simulate", "And the samples meanwhile?"),
        lab.text(words.beside(mine)),
        beside_knobs,
        lab.figure(
            figures.steps(_shown),
            "Whoever reads waits behind whoever writes.",
            "Shaded: while the checkpoint is being written. Writers send so many chunks at once that requests of a "
            "batch find long queues. Batches ahead, gentler writers or drives of one's own keep the two apart.",
            alt=figures.steps_told(_shown),
            rows=_shown.rows,
            units=columns.WRITTEN,
        ),
        lab.readings(_shown, "without", "still", "late", "supply", "took"),
        evidence.keep("beside", _shown),
    )
    return


@app.cell
def _(lab, measured, mine, saved, small_files, words):
    saved.gate()
    _asked = words.files(mine)
    filed = lab.predict(
        "files",
        _asked.asked,
        unit="1",
        answer="longer",
        objective=["4.2", "4.3"],
        uses=[small_files.an_epoch, small_files.by_size, measured.files_beside, measured.loaders_beside],
        context=_asked.context,
    )
    return (filed,)


@app.cell
def _(filed, lab):
    lab.page(lab.section("Part 4", "Many small files"), filed.ask())
    return


@app.cell
def _(filed, lab, mine, small_files, surprise):
    filed.gate()
    _told = surprise.files_inputs(mine)
    file_knobs = lab.controls(
        accelerators=lab.steps("Accelerators that read", small_files.accelerators(), "1", mine.pod),
        servers=lab.steps("Metadata servers", small_files.servers(), "1", _told["servers"]),
        prefetch=lab.steps("Batches that are fetched at once", small_files.prefetches(), "1", _told["prefetch"]),
        sample=lab.steps("Size of a file", small_files.samples(), "byte", mine.sample),
    )
    return (file_knobs,)


@app.cell
def _(columns, evidence, figures, file_knobs, filed, lab, mine, small_files, surprise):
    _key = filed.reveal(small_files.an_epoch, **surprise.files_inputs(mine))
    _shown = filed.reveal(small_files.an_epoch, rate=mine.rate, **file_knobs.value)
    lab.page(
        filed.beside(_key["longer"]),
        file_knobs,
        lab.figure(
            figures.epochs(_shown),
            "The same bytes, opened one by one.",
            "Simulated; the black mark is what rates alone allow. Drives in the nodes know their own files. The file "
            "system asks its metadata servers first. The object store answers late: it needs many batches under way, "
            "and whoever waits for all waits for the slowest answer.",
            alt=figures.epochs_told(_shown),
            rows=_shown.rows,
            units=columns.EPOCHS,
        ),
        lab.readings(_shown, "longer", "drives", "shared", "objects"),
        evidence.keep("files", _shown),
    )
    return


@app.cell
def _(columns, evidence, figures, file_knobs, filed, lab, mine, small_files):
    _sizes = filed.reveal(
        small_files.by_size,
        accelerators=file_knobs.value["accelerators"],
        rate=mine.rate,
        servers=file_knobs.value["servers"],
        prefetch=file_knobs.value["prefetch"],
    )
    lab.page(
        lab.figure(
            figures.by_size(_sizes),
            "Small files are counted, large ones are weighed.",
            "What reaches the accelerators by rates alone. Dashed: what they would eat.",
            alt=figures.by_size_told(_sizes),
            rows=_sizes.rows,
            units=columns.BY_SIZE,
        ),
        evidence.keep("sizes", _sizes),
    )
    return


@app.cell
def _(lab, measured, words):
    here = lab.measure(
        "here",
        "This machine's own storage and loaders",
        measured.storage_here,
        inputs=measured.inputs(),
        limit=measured.LIMIT,
        objective=["4.1", "4.3"],
        recorded=measured.RECORDED,
        context=words.measured(),
    )
    return (here,)


@app.cell
def _(filed, here):
    filed.gate()
    here.run()
    return


@app.cell
def _(columns, evidence, figures, filed, here, lab, measured):
    here.gate()
    _shown = filed.reveal(measured.files_beside, **measured.files_inputs(here.shown, here.recorded))
    lab.page(
        lab.figure(
            figures.here(_shown),
            "One reader, this machine.",
            "The estimate adds the time to open a file to that of reading as much from the middle of a large one. A "
            "virtual machine's disk may be far away, with a cache of its own in front of it.",
            alt=figures.here_told(_shown),
            rows=_shown.rows,
            units=columns.HERE,
        ),
        lab.readings(_shown, "slower", "estimate"),
        evidence.keep("here", _shown),
    )
    return


@app.cell
def _(columns, evidence, figures, filed, here, lab, measured):
    here.gate()
    _pieces = []
    for _inputs in measured.loader_inputs(here.shown, here.recorded):
        _shown = filed.reveal(measured.loaders_beside, **_inputs)
        _pieces.append(
            lab.page(
                lab.figure(
                    figures.loaders(_shown),
                    measured.titled(_inputs),
                    "Left: loaders of threads at full speed; a batch under way takes a core, and more than there are "
                    "do not help. Right: before a training that takes four fifths of that, enough on average.",
                    alt=figures.loaders_told(_shown),
                    rows=_shown.rows,
                    units=columns.LOADERS,
                ),
                lab.readings(_shown, "faster", "pace"),
                evidence.keep(measured.part(_inputs), _shown),
            )
        )
    lab.page(*_pieces)
    return


@app.cell
def _(challenge, filed, lab, words):
    filed.gate()
    design = lab.challenge(
        "design",
        "The cheapest tiers that starve nobody",
        words.brief(lab.seed),
        score=challenge.score,
        best=challenge.best,
        given={"seed": lab.seed},
        lower_is_better=True,
        objective=["4.1", "4.3"],
    )
    design_knobs = lab.controls(
        system=lab.choice("Shared storage", challenge.systems(), challenge.start().system),
        units=lab.steps("Units of it", challenge.units(), "1", challenge.start().units),
        drives=lab.steps("Drives in each node", challenge.drives(), "1", challenge.start().drives),
    )
    return design, design_knobs


@app.cell
def _(challenge, columns, design, design_knobs, evidence, figures, lab):
    _shown = lab.ask_instrument(challenge.score, {"seed": lab.seed, **design_knobs.value})
    _task = lab.ask_instrument(challenge.task, {"seed": lab.seed})
    _needs = lab.ask_instrument(
        challenge.what_asks_for_most, {"seed": lab.seed, "drives": design_knobs.value["drives"]}
    )
    lab.page(
        lab.section("Challenge", "Tiers for a training"),
        design.lights(design_knobs),
        lab.figure(
            figures.needs(_needs),
            "Which need asks for most?",
            "What the units of each shared storage cost that would meet one need alone, with as many drives in the "
            "nodes as you chose: these keep samples, and take their reading off the shared storage.",
            alt=figures.needs_told(_needs),
            rows=_needs.rows,
            units=columns.NEEDS,
        ),
        lab.readings(_shown, "score", "shared", "cache", "kept", "written", "fed", "starved"),
        lab.table(_task.rows, columns.TASK, "The task"),
        evidence.keep("design", _shown),
    )
    return


@app.cell
def _(filed, lab, words):
    filed.gate()
    decision = lab.decision(terms=words.TERMS)
    return (decision,)


@app.cell
def _(decision, evidence, lab):
    lab.page(lab.section("Decision", "Which storage would you buy?"), evidence.show(), decision.form(evidence))
    return


@app.cell
def _(lab):
    log = lab.log()
    return (log,)


@app.cell
def _(log):
    log.show()
    return


if __name__ == "__main__":
    app.run()
