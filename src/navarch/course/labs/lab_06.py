"""Lab 06, AllReduce Physics: what more accelerators, smaller messages and fewer bytes do to the time of a sum."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Lab 06: AllReduce Physics")


@app.cell
def _():
    from navarch.course.allreduce_physics import columns, figures, ranks, words
    from navarch.course.allreduce_physics.variant import variant_of
    from navarch.course.frame import Lab

    lab = Lab.open("06")
    evidence = lab.evidence()
    mine = variant_of(lab.seed)
    return columns, evidence, figures, lab, mine, ranks, words


@app.cell
def _(figures, lab):
    lab.page(
        lab.title(),
        lab.provocation(
            "Eight GPUs take 10 ms. How long do a thousand take?",
            "Each holds a gradient, and each needs the sum of all of them before it may take its next step. There are "
            "a hundred and twenty-five times as many now, and every one of them has something to say.",
            lab.figure(
                figures.provocation(),
                "Eight, and a thousand.",
                "One square an accelerator.",
                alt="Eight small squares with 10 milliseconds beside a thousand squares with a question mark.",
            ),
        ),
    )
    return


@app.cell
def _(lab, mine, ranks, words):
    _asked = words.thousand(mine)
    thousand = lab.predict(
        "thousand",
        _asked.asked,
        unit="s",
        answer="time",
        objective=["6.1", "6.2"],
        uses=[ranks.more_ranks, ranks.among_few],
        context=_asked.context,
    )
    return (thousand,)


@app.cell
def _(lab, thousand):
    lab.page(lab.section("Part 1", "A thousand instead of eight"), thousand.ask())
    return


@app.cell
def _():
    from navarch.course.allreduce_physics import bus, challenge, compression, desk, measured, sizes, surprise

    return bus, challenge, compression, desk, measured, sizes, surprise


@app.cell
def _(desk, lab, mine, ranks, thousand):
    thousand.gate()
    rank_knobs = lab.controls(
        link=lab.choice("Link", desk.links(), mine.link),
        message=lab.steps("Large message", ranks.messages(), "byte", mine.message),
        small=lab.steps("Small message", ranks.smalls(), "byte", mine.small),
    )
    return (rank_knobs,)


@app.cell
def _(columns, evidence, figures, lab, mine, rank_knobs, ranks, surprise, thousand):
    _key = thousand.reveal(ranks.more_ranks, **surprise.rank_inputs(mine))
    _shown = thousand.reveal(ranks.more_ranks, many=mine.many, **rank_knobs.value)
    lab.page(
        thousand.beside(_key["time"]),
        rank_knobs,
        lab.figure(
            figures.ranks(_shown),
            "For large messages the number hardly matters; for small ones it is everything.",
            "However many take part, each sends little more than twice the message. What grows is the number of "
            "rounds, and a ring has almost two for every accelerator.",
            alt=figures.ranks_told(_shown),
            rows=_shown.rows,
            units=columns.RANKS,
        ),
        lab.readings(_shown, "time", "few", "longer", "small_ring", "small_few", "small_longer", "small_time"),
        evidence.keep("thousand", _shown),
    )
    return


@app.cell
def _(lab, mine, sizes, thousand, words):
    thousand.gate()
    _asked = words.crossing(mine)
    crossing = lab.predict(
        "crossing",
        _asked.asked,
        unit="byte",
        answer="crossing",
        objective=["6.1", "6.2"],
        uses=[sizes.ring_or_tree],
        context=_asked.context,
    )
    return (crossing,)


@app.cell
def _(crossing, lab):
    lab.page(lab.section("Part 2", "Ring against tree"), crossing.ask())
    return


@app.cell
def _(crossing, desk, lab, mine, sizes):
    crossing.gate()
    pair_knobs = lab.controls(
        link=lab.choice("Link of ring and tree", desk.links(), mine.link),
        ranks=lab.steps("Ranks of ring and tree", sizes.pairs(), "1", mine.pair),
    )
    return (pair_knobs,)


@app.cell
def _(columns, crossing, evidence, figures, lab, mine, pair_knobs, sizes, surprise):
    _key = crossing.reveal(sizes.ring_or_tree, **surprise.pair_inputs(mine))
    _shown = crossing.reveal(sizes.ring_or_tree, **pair_knobs.value)
    lab.page(
        crossing.beside(_key["crossing"]),
        pair_knobs,
        lab.figure(
            figures.sizes(_shown),
            "Each algorithm has its sizes.",
            "Flat on the left, where rounds decide; straight on the right, where bytes do. Where ring and tree meet "
            "moves to the right faster than ranks join.",
            alt=figures.sizes_told(_shown),
            rows=_shown.rows,
            units=columns.SIZES,
        ),
        lab.readings(_shown, "crossing", "crossing_more", "growth", "ring", "tree"),
        evidence.keep("crossing", _shown),
    )
    return


@app.cell
def _(bus, crossing, lab, measured, mine, words):
    crossing.gate()
    _asked = words.bus(mine)
    moved = lab.predict(
        "bus",
        _asked.asked,
        unit="byte/s",
        answer="bus",
        objective=["6.1", "6.2"],
        uses=[bus.bus_bandwidth, bus.on_a_fabric, measured.from_the_fit],
        context=_asked.context,
    )
    return (moved,)


@app.cell
def _(lab, moved):
    lab.page(lab.section("Part 3", "Latency and bandwidth"), moved.ask())
    return


@app.cell
def _(bus, desk, lab, mine, moved):
    moved.gate()
    bus_knobs = lab.controls(
        link=lab.choice("Link of the benchmark", desk.links(), mine.link),
        ranks=lab.steps("Ranks of the benchmark", bus.counts(), "1", mine.bus_ranks),
        message=lab.steps("Message", bus.messages(), "byte", mine.bus_message),
    )
    return (bus_knobs,)


@app.cell
def _(bus, bus_knobs, columns, evidence, figures, lab, mine, moved, surprise):
    _key = moved.reveal(bus.bus_bandwidth, **surprise.bus_inputs(mine))
    _shown = moved.reveal(bus.bus_bandwidth, **bus_knobs.value)
    lab.page(
        moved.beside(_key["bus"]),
        bus_knobs,
        lab.figure(
            figures.bus(_shown),
            "A bandwidth that is mostly waiting.",
            "The link is as fast as ever. With so many rounds, a message of this size is cut into parts so small that "
            "each waits longer than it moves.",
            alt=figures.bus_told(_shown),
            rows=_shown.rows,
            units=columns.BUS,
        ),
        lab.readings(_shown, "bus", "algorithm", "share", "latency", "moving", "waiting"),
        evidence.keep("bus", _shown),
    )
    return


@app.cell
def _(bus, lab, moved):
    moved.gate()
    fabric_knobs = lab.controls(taper=lab.choice("Leaf switches with", bus.TAPERS))
    return (fabric_knobs,)


@app.cell
def _(bus, bus_knobs, columns, evidence, fabric_knobs, figures, lab, moved):
    _shown = moved.reveal(bus.on_a_fabric, **bus_knobs.value, **fabric_knobs.value)
    lab.page(
        lab.section("Simulate", "The same bytes as flows through switches"),
        fabric_knobs,
        lab.figure(
            figures.fabric(_shown),
            "The estimate knows no neighbours.",
            "Every message of every round as a flow through leaf and spine switches. A ring in order stays within its "
            "leaf and hardly cares; partners that are far apart meet on the same uplinks.",
            alt=figures.fabric_told(_shown),
            rows=_shown.rows,
            units=columns.FABRIC,
        ),
        lab.readings(_shown, "ring", "random", "slower"),
        evidence.keep("fabric", _shown),
    )
    return


@app.cell
def _(lab, measured):
    sockets = lab.measure(
        "ring",
        "How fast is a ring on this machine?",
        measured.ring_on_this_machine,
        inputs={"processes": measured.PROCESSES, "size": measured.SIZE},
        limit=measured.LIMIT,
        objective=["6.1", "6.2"],
        recorded=measured.RECORDED_RING,
        context="Four processes pass parts of arrays round over TCP, by the same schedule as above. Every sum is "
        "checked, and alpha and beta are fitted to the times.",
    )
    return (sockets,)


@app.cell
def _(lab, moved, sockets):
    moved.gate()
    lab.page(lab.section("Measure", "A ring over sockets"), sockets.run())
    return


@app.cell
def _(columns, evidence, figures, lab, measured, mine, moved, sockets):
    sockets.gate()
    _shown = moved.reveal(
        measured.from_the_fit,
        **measured.fit_inputs(sockets.shown, sockets.recorded),
        message=mine.message,
        many=mine.many,
    )
    lab.page(
        lab.figure(
            figures.ring(sockets.shown),
            "Two numbers for every size.",
            "The line is latency and bandwidth alone, fitted to the points; the bars hold 80 % of the runs.",
            alt=figures.ring_told(sockets.shown),
            rows=sockets.shown.rows,
            units=columns.RING,
        ),
        lab.text(
            "**With these two numbers**, the large message of Part 1 by a ring of eight such processes, and of as "
            "many as there:"
        ),
        lab.readings(_shown, "few", "many", "longer"),
        evidence.keep("ring", sockets.shown),
    )
    return


@app.cell
def _(compression, lab, mine, moved, words):
    moved.gate()
    _asked = words.compressed(mine)
    fewer = lab.predict(
        "compressed",
        _asked.asked,
        unit="1",
        answer="faster",
        objective=["6.3"],
        uses=[compression.exchange, compression.by_ranks],
        context=_asked.context,
    )
    return (fewer,)


@app.cell
def _(fewer, lab):
    lab.page(lab.section("Part 4", "Ten times fewer bytes"), fewer.ask())
    return


@app.cell
def _(compression, desk, fewer, lab, mine):
    fewer.gate()
    fewer_knobs = lab.controls(
        link=lab.choice("Link of the gradients", desk.links(), mine.link),
        model=lab.choice("Model", compression.models(), mine.model),
        ranks=lab.choice("Ranks that exchange", list(compression.RANKS), mine.ranks),
        fewer=lab.choice("Each encodes", compression.factors(), mine.fewer),
    )
    return (fewer_knobs,)


@app.cell
def _(columns, compression, evidence, fewer, fewer_knobs, figures, lab, mine, surprise):
    _key = fewer.reveal(compression.exchange, **surprise.exchange_inputs(mine))
    _shown = fewer.reveal(compression.exchange, **fewer_knobs.value)
    lab.page(
        fewer.beside(_key["faster"]),
        fewer_knobs,
        lab.figure(
            figures.methods(_shown),
            "Ten times fewer bytes can be slower.",
            "What can be added on the way stays small. What every rank must see from every other one grows with the "
            "ranks, until it is more than nothing compressed at all. Time is not everything: some lose accuracy.",
            alt=figures.methods_told(_shown),
            rows=_shown.rows,
            units=columns.METHODS,
        ),
        lab.readings(_shown, "faster", "few", "sent", "sent_plain", "plain", "time", "coding"),
        evidence.keep("compressed", _shown),
    )
    return


@app.cell
def _(columns, compression, evidence, fewer, fewer_knobs, figures, lab):
    _shown = fewer.reveal(
        compression.by_ranks,
        link=fewer_knobs.value["link"],
        model=fewer_knobs.value["model"],
        fewer=fewer_knobs.value["fewer"],
    )
    lab.page(
        lab.figure(
            figures.by_ranks(_shown),
            "The same method among few and among many.",
            "Each line is the gain of one method. Those that gather fall with the ranks and cross into loss.",
            alt=figures.by_ranks_told(_shown),
            rows=_shown.rows,
            units=columns.BY_RANKS,
        ),
        lab.readings(_shown, "most"),
        evidence.keep("by_ranks", _shown),
    )
    return


@app.cell
def _(lab, measured):
    training = lab.measure(
        "training",
        "What does compression gain in training on this machine?",
        measured.training_compressed,
        inputs={"processes": measured.PROCESSES, "steps": measured.STEPS, "methods": measured.METHODS},
        limit=measured.LIMIT,
        objective=["6.3"],
        recorded=measured.RECORDED_TRAINING,
        context="Four processes train a small network together, once with each method, from the same start on the same "
        "data. All the bytes really go through sockets.",
    )
    return (training,)


@app.cell
def _(fewer, lab, training):
    fewer.gate()
    lab.page(lab.section("Measure", "Training with compressed gradients"), training.run())
    return


@app.cell
def _(columns, evidence, figures, lab, training):
    training.gate()
    lab.page(
        lab.figure(
            figures.trained(training.shown),
            "Fewer bytes, and the time.",
            "What was saved on the network is paid for in work at both ends, and in rounds that wait all the same.",
            alt=figures.trained_told(training.shown),
            rows=training.shown.rows,
            units=columns.TRAINED,
        ),
        evidence.keep("training", training.shown),
    )
    return


@app.cell
def _(challenge, fewer, lab, words):
    fewer.gate()
    design = lab.challenge(
        "design",
        "Hide it",
        words.brief(lab.seed),
        score=challenge.score,
        best=challenge.best,
        given={"seed": lab.seed},
        lower_is_better=True,
        objective=["6.2"],
    )
    _start = challenge.start()
    design_knobs = lab.controls(
        bucket=lab.steps("Size of a bucket", challenge.BUCKETS, "byte", _start["bucket"]),
        last=lab.steps("Size of the last bucket", challenge.LASTS, "byte", _start["last"]),
        algorithm=lab.choice("Algorithm of the buckets", challenge.algorithms()),
        last_algorithm=lab.choice("Algorithm of the last bucket", challenge.algorithms()),
        share=lab.steps("Processors that communicate", challenge.SHARES, "fraction", _start["share"]),
        overlap=lab.toggle("Beside the backward pass", start=True),
    )
    return design, design_knobs


@app.cell
def _(challenge, columns, design, design_knobs, evidence, figures, lab):
    _shown = lab.ask_instrument(challenge.score, {"seed": lab.seed, **design_knobs.value})
    _around = lab.ask_instrument(challenge.by_bucket, {"seed": lab.seed, **challenge.around(design_knobs.value)})
    lab.page(
        lab.section("Challenge", "Algorithm by size, buckets, overlap"),
        design.lights(design_knobs),
        lab.figure(
            figures.buckets(_around, _shown),
            "What is not hidden, by the size of the buckets.",
            "The rest as you set it; yours is the point. Small buckets wait too often, large ones start too late.",
            alt=figures.buckets_told(_around),
            rows=_around.rows,
            units=columns.BUCKETS,
        ),
        lab.readings(_shown, "score", "exposed", "hidden", "all", "one", "tail", "count", "backward"),
        evidence.keep("design", _shown),
    )
    return


@app.cell
def _(fewer, lab, words):
    fewer.gate()
    decision = lab.decision(terms=words.TERMS)
    return (decision,)


@app.cell
def _(decision, evidence, lab):
    lab.page(lab.section("Decision", "How would you reduce it?"), evidence.show(), decision.form(evidence))
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
