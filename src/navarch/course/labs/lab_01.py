"""Lab 01, The Scale Wall: why there is a fleet, what it does to itself, and where more of it stops helping."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Lab 01: The Scale Wall")


@app.cell
def _():
    from navarch.course.frame import Lab
    from navarch.course.scale_wall import columns, figures, wall, words
    from navarch.course.scale_wall.variant import variant_of

    lab = Lab.open("01")
    evidence = lab.evidence()
    mine = variant_of(lab.seed)
    return columns, evidence, figures, lab, mine, wall, words


@app.cell
def _(figures, lab):
    lab.page(
        lab.title(),
        lab.provocation(
            "GPT-4 training used ~25,000 GPUs for ~90 days. What happens when one fails?",
            "One of the squares above has just failed. Before you can say what that means, three things must be "
            "settled: why there are so many, how often it happens, and whether more of them would help.",
            lab.figure(
                figures.fleet(),
                "25,000 accelerators.",
                "One square each.",
                alt="A field of 25,000 small squares, one of them marked in red.",
            ),
        ),
    )
    return


@app.cell
def _(lab, mine, wall, words):
    _asked = words.years(mine)
    years = lab.predict(
        "years",
        _asked.asked,
        unit="s",
        answer="alone",
        objective=["1.1", "1.2"],
        uses=[wall.one_accelerator, wall.this_machine],
        context=_asked.context,
    )
    return (years,)


@app.cell
def _(lab, years):
    lab.page(lab.section("Part 1", "One machine"), years.ask())
    return


@app.cell
def _():
    from navarch.course.scale_wall import challenge, failures, loss, measured, more, pipelines, surprise

    return challenge, failures, loss, measured, more, pipelines, surprise


@app.cell
def _(lab, mine, wall, years):
    years.gate()
    wall_knobs = lab.controls(
        run=lab.choice("Run", wall.runs(), mine.run),
        accelerator=lab.choice("Accelerator", wall.accelerators(), mine.accelerator),
        deadline=lab.steps("Deadline", wall.deadlines(), "s", mine.deadline),
    )
    return (wall_knobs,)


@app.cell
def _(columns, evidence, figures, lab, mine, surprise, wall, wall_knobs, years):
    _key = years.reveal(wall.one_accelerator, **surprise.wall_inputs(mine))
    _shown = years.reveal(wall.one_accelerator, **wall_knobs.value)
    lab.page(
        years.beside(_key["alone"]),
        wall_knobs,
        lab.figure(
            figures.wall(_shown),
            "The fleet is forced by arithmetic.",
            "The band is what most large runs make of their peak. Where the line meets the deadline, the fleet is "
            "decided, before anyone has chosen a network.",
            alt=figures.wall_told(_shown),
            rows=_shown.rows,
            units=columns.WALL,
        ),
        lab.readings(_shown, "alone", "fleet", "compute", "peak", "utilisation"),
        evidence.keep("wall", _shown),
    )
    return


@app.cell
def _(lab, measured):
    rate = lab.measure(
        "rate",
        "How fast does this machine train?",
        measured.training_rate,
        inputs={"seconds": measured.SECONDS},
        limit=measured.LIMIT,
        objective=["1.1", "1.2"],
        recorded=measured.RECORDED,
        context="Steps of a transformer block, forward and backward, matrix products and a copy of memory really run "
        "here. They use every core: leave the machine alone meanwhile.",
    )
    return (rate,)


@app.cell
def _(rate, years):
    years.gate()
    rate.run()
    return


@app.cell
def _(columns, evidence, figures, lab, mine, rate, wall, years):
    rate.gate()
    _shown = years.reveal(
        wall.this_machine,
        run=mine.run,
        rate=rate.shown["rate"].value,
        machine=rate.shown["machine"].value,
        recorded=rate.recorded,
        deadline=mine.deadline,
    )
    lab.page(
        lab.figure(
            figures.machines(_shown),
            "The same run, on one of each.",
            "A faster machine moves the bar by a factor; the deadline is many factors away.",
            alt=figures.machines_told(_shown),
            rows=_shown.rows,
            units=columns.MACHINES,
        ),
        lab.readings(_shown, "alone", "machines"),
        evidence.keep("machine", _shown),
    )
    return


@app.cell
def _(failures, lab, mine, words, years):
    years.gate()
    _asked = words.interruptions(mine)
    broken = lab.predict(
        "interruptions",
        _asked.asked,
        unit="1",
        answer="interruptions",
        objective=["1.1", "1.3"],
        uses=[failures.interruptions, failures.run_failures, failures.by_record],
        context=_asked.context,
    )
    return (broken,)


@app.cell
def _(broken, lab):
    lab.page(lab.section("Part 2", "The fleet"), broken.ask())
    return


@app.cell
def _(broken, failures, lab, mine, surprise):
    broken.gate()
    failure_knobs = lab.controls(
        accelerators=lab.steps("Accelerators", failures.fleets(), "1", mine.fleet),
        period=lab.steps("Period", failures.periods(), "s", mine.period),
        record=lab.choice("Failure rate of", failures.records(), surprise.failure_inputs(mine)["record"]),
    )
    return (failure_knobs,)


@app.cell
def _(broken, columns, evidence, failure_knobs, failures, figures, lab, mine, surprise):
    _key = broken.reveal(failures.interruptions, **surprise.failure_inputs(mine))
    _shown = broken.reveal(failures.interruptions, **failure_knobs.value)
    lab.page(
        broken.beside(_key["interruptions"]),
        failure_knobs,
        lab.figure(
            figures.failures(_shown),
            "Failure is the fleet's steady state.",
            "Every machine is as reliable as before; there are only more of them.",
            alt=figures.failures_told(_shown),
            rows=_shown.rows,
            units=columns.FAILURES,
        ),
        lab.readings(_shown, "interruptions", "between", "daily", "quiet_day", "quiet_hour"),
        evidence.keep("interruptions", _shown),
    )
    return


@app.cell
def _(broken, failures, lab):
    broken.gate()
    run_knobs = lab.controls(
        interval=lab.steps("Checkpoint every", failures.intervals(), "s", failures.usual_interval()),
        seed=lab.choice("Draw of the simulation", list(range(1, 9))),
    )
    return (run_knobs,)


@app.cell
def _(broken, evidence, failure_knobs, failures, figures, lab, run_knobs):
    _shown = broken.reveal(failures.run_failures, **failure_knobs.value, **run_knobs.value)
    lab.page(
        lab.section("Simulate", "The same fleet, failure by failure"),
        run_knobs,
        lab.figure(
            figures.days(_shown),
            "One run, day by day.",
            "Every node lives a life of its own, fails and is replaced; the job goes back to its last checkpoint.",
            alt=figures.days_told(_shown),
            rows=_shown.rows,
        ),
        lab.table(
            failures.compared(_shown),
            {"what": ("", ""), "most_runs": ("80 % of the runs", "")},
            "Estimate and simulation side by side",
        ),
        lab.readings(_shown, "interruptions", "difference", "quiet", "useful"),
        evidence.keep("run", _shown),
    )
    return


@app.cell
def _(broken, columns, evidence, failure_knobs, failures, figures, lab):
    _shown = broken.reveal(
        failures.by_record,
        accelerators=failure_knobs.value["accelerators"],
        period=failure_knobs.value["period"],
    )
    _first = broken.reveal(failures.provocation)
    lab.page(
        lab.section("Measured", "What others' machines say"),
        lab.figure(
            figures.records(_shown),
            "Published records, carried over to this fleet.",
            "They count different things on different machines, and differ by a factor of seven. None leaves a large "
            "fleet in peace.",
            alt=figures.records_told(_shown),
            rows=_shown.rows,
            units=columns.RECORDS,
        ),
        lab.text("**The provocation's fleet**, 25,000 accelerators for 90 days, by the record of this lab:"),
        lab.readings(_first, "interruptions", "between"),
        evidence.keep("records", _shown),
    )
    return


@app.cell
def _(broken, lab, mine, more, pipelines, words):
    broken.gate()
    _asked = words.sixteen(mine)
    sixteen = lab.predict(
        "sixteen",
        _asked.asked,
        unit="1",
        answer="speedup",
        objective=["1.1", "1.3"],
        uses=[more.more_accelerators, pipelines.where_a_step_goes, more.published_scaling],
        context=_asked.context,
    )
    return (sixteen,)


@app.cell
def _(lab, sixteen):
    lab.page(lab.section("Part 3", "More of them"), sixteen.ask())
    return


@app.cell
def _(lab, mine, more, sixteen):
    sixteen.gate()
    more_knobs = lab.controls(
        node=lab.choice("Node", more.nodes(), mine.training.node),
        accelerators=lab.steps("Accelerators to begin with", more.FLEETS, "1", mine.training.accelerators),
        sequences=lab.steps("Sequences of a batch", more.SEQUENCES, "1", mine.training.sequences),
    )
    return (more_knobs,)


@app.cell
def _(columns, evidence, figures, lab, mine, more, more_knobs, sixteen, surprise):
    _key = sixteen.reveal(more.more_accelerators, **surprise.more_inputs(mine.training))
    _shown = sixteen.reveal(
        more.more_accelerators,
        model=mine.training.model,
        sequence=mine.training.sequence,
        **more_knobs.value,
    )
    lab.page(
        sixteen.beside(_key["speedup"]),
        more_knobs,
        lab.figure(
            figures.sixteen(_shown),
            "More machines stop helping.",
            "Each point is the best of all plans with the usual schedules (1F1B, interleaved) that use the whole "
            "fleet. A fixed batch divides only so far, and past a point a larger fleet is slower.",
            alt=figures.sixteen_told(_shown),
            rows=_shown.rows,
            units=columns.SIXTEEN,
        ),
        lab.figure(
            figures.costs(_shown),
            "Money does not stop.",
            "The price of the same step, at what such accelerators rent for.",
            alt=figures.costs_told(_shown),
        ),
        lab.readings(_shown, "speedup", "efficiency", "step", "step_more", "dearer", "fastest"),
        evidence.keep("sixteen", _shown),
    )
    return


@app.cell
def _(columns, evidence, figures, lab, mine, more_knobs, pipelines, sixteen):
    _shown = sixteen.reveal(
        pipelines.where_a_step_goes,
        model=mine.training.model,
        sequence=mine.training.sequence,
        **more_knobs.value,
    )
    lab.page(
        lab.section("Simulate", "Where the step goes"),
        lab.figure(
            figures.where(_shown),
            "Work divides; waiting does not.",
            "The parts of a step of the best plan on each fleet, as the training model has them.",
            alt=figures.where_told(_shown),
            rows=_shown.rows,
            units=columns.PIPELINES,
        ),
        lab.table(
            pipelines.compared(_shown),
            columns.WAITS,
            "The pipeline of each plan, run task by task beside its closed form",
        ),
        evidence.keep("pipelines", _shown),
    )
    return


@app.cell
def _(columns, evidence, figures, lab, more, sixteen):
    _shown = sixteen.reveal(more.published_scaling)
    lab.page(
        lab.section("Measured", "What others measured at a fixed batch"),
        lab.figure(
            figures.measured_scaling(_shown),
            "GPT-3 175B on 256 to 12,288 A100.",
            "MegaScale (2024), table 2, beside the best plans that the library finds for the same fleets.",
            alt=figures.measured_scaling_told(_shown),
            rows=_shown.rows,
            units=columns.SCALING,
        ),
        evidence.keep("published", _shown),
    )
    return


@app.cell
def _(lab, loss, mine, sixteen, words):
    sixteen.gate()
    _asked = words.gain(mine)
    bought = lab.predict(
        "loss",
        _asked.asked,
        unit="1",
        answer="gain",
        objective=["1.2"],
        uses=[loss.loss_of_money, loss.before],
        context=_asked.context,
    )
    return (bought,)


@app.cell
def _(bought, lab):
    lab.page(lab.section("Part 4", "What money buys"), bought.ask())
    return


@app.cell
def _(bought, lab, loss, mine):
    bought.gate()
    loss_knobs = lab.controls(
        money=lab.steps("Money", loss.sums(), "USD", mine.money),
        price=lab.choice("Rented as", loss.offers(), mine.price),
    )
    return (loss_knobs,)


@app.cell
def _(bought, columns, evidence, figures, lab, loss, loss_knobs, mine):
    _key = bought.reveal(loss.loss_of_money, money=mine.money, price=mine.price)
    _shown = bought.reveal(loss.loss_of_money, **loss_knobs.value)
    lab.page(
        bought.beside(_key["gain"]),
        loss_knobs,
        lab.figure(
            figures.loss(_shown),
            "Every ten times buys less.",
            "The band holds 80 %: the constants of the law, drawn together as they were fitted "
            "(Besiroglu et al. 2024), and what a fleet makes of its peak.",
            alt=figures.loss_told(_shown),
            rows=_shown.rows,
            units=columns.LOSS,
        ),
        lab.readings(_shown, "loss", "gain", "loss_ten", "compute", "parameters", "tokens"),
        evidence.keep("loss", _shown),
    )
    return


@app.cell
def _(bought, challenge, lab, words):
    bought.gate()
    design = lab.challenge(
        "design",
        "A run that fits",
        words.brief(lab.seed),
        score=challenge.score,
        best=challenge.best,
        given={"seed": lab.seed},
        lower_is_better=True,
        objective=["1.2", "1.3"],
    )
    design_knobs = lab.controls(
        parameters=lab.steps("Model", challenge.sizes(), "parameter", challenge.start_size()),
        tokens=lab.steps("Tokens", challenge.amounts(), "token", challenge.start_amount()),
        accelerators=lab.steps("Accelerators", challenge.fleets(), "1", challenge.start_fleet()),
    )
    return design, design_knobs


@app.cell
def _(challenge, columns, design, design_knobs, evidence, figures, lab):
    _shown = lab.ask_instrument(challenge.score, {"seed": lab.seed, **design_knobs.value})
    _around = lab.ask_instrument(
        challenge.landscape, {"seed": lab.seed, "accelerators": design_knobs.value["accelerators"]}
    )
    lab.page(
        lab.section("Challenge", "Model, tokens, fleet"),
        design.lights(design_knobs),
        lab.figure(
            figures.landscape(_around),
            "Fleets that reach the loss.",
            "Each with the model and the tokens that cost it least; yours is the line. Fewer accelerators rent for "
            "less, until the deadline.",
            alt=figures.landscape_told(_around),
            rows=_around.rows,
            units=columns.LANDSCAPE,
        ),
        lab.readings(_shown, "score", "loss", "compute", "time", "step", "goodput"),
        evidence.keep("design", _shown),
    )
    return


@app.cell
def _(bought, lab, words):
    bought.gate()
    decision = lab.decision(terms=words.TERMS)
    return (decision,)


@app.cell
def _(decision, evidence, lab):
    lab.page(lab.section("Decision", "What would you build?"), evidence.show(), decision.form(evidence))
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
