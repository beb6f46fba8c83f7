"""Lab 00: a small lab of real instruments, for the tests of the frame."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Lab 00: An example")


@app.cell
def _():
    from navarch.course.frame import Lab, example

    lab = Lab.open("00")
    evidence = lab.evidence()
    return evidence, example, lab


@app.cell
def _(lab):
    lab.page(
        lab.title(),
        lab.provocation(
            "One accelerator holds the model. Which one does not?",
            "Frontier models are **measured in hundreds of gigabytes** before the first token is served.",
        ),
    )
    return


@app.cell
def _(lab):
    lab.section("Part 1", "The weights")
    return


@app.cell
def _(example, lab):
    memory = lab.predict(
        "memory",
        "How much memory do the weights of the smallest of these models need?",
        unit="byte",
        objective="1.2",
        uses=[example.weights],
        context="A parameter takes one, two or four bytes.",
    )
    return (memory,)


@app.cell
def _(memory):
    memory.ask()
    return


@app.cell
def _(example, lab, memory):
    memory.gate()
    knobs = lab.controls(
        model=lab.choice("Model", example.models()),
        parameter_bytes=lab.steps("Bytes a parameter", example.parameter_bytes(), "byte"),
    )
    return (knobs,)


@app.cell
def _(evidence, example, knobs, lab, memory):
    shown = memory.reveal(example.weights, **knobs.value)
    lab.page(
        memory.beside(shown["memory"]),
        knobs,
        lab.figure(
            example.bars(shown),
            "Weights against what accelerators hold.",
            "Every bar that reaches the line holds them alone.",
            alt=example.told(shown),
            rows=shown.rows,
            units={"memory": ("Memory", "byte"), "share": ("Share needed", "fraction")},
        ),
        lab.readings(shown, "memory"),
        evidence.keep("memory", shown),
    )
    return


@app.cell
def _(example, lab, memory):
    memory.gate()
    strategy = lab.predict(
        "strategy",
        "Which buys less memory for a model that does not fit?",
        choices={"small": "Many small accelerators", "large": "Few large ones"},
        objective=["5.3", "1.1"],
        uses=[example.best],
    )
    return (strategy,)


@app.cell
def _(strategy):
    strategy.ask()
    return


@app.cell
def _(example, lab, strategy):
    strategy.gate()
    rate = lab.measure(
        "rate",
        "How fast does this machine copy memory?",
        example.copying,
        inputs={"turns": example.TURNS},
        limit=example.TURNS,
        objective="1.2",
    )
    return (rate,)


@app.cell
def _(rate):
    rate.run()
    return


@app.cell
def _(example, lab, strategy):
    strategy.gate()
    fleet = lab.challenge(
        "fleet",
        "Hold the largest model",
        "Buy as little memory as will hold the weights.",
        score=example.score,
        best=example.best,
        given={"model": example.MODELS[2], "parameter_bytes": example.parameter_bytes()[1]},
        lower_is_better=True,
        objective="1.3",
    )
    fleet_knobs = lab.controls(
        accelerator=lab.choice("Accelerator", example.accelerators()),
        count=lab.steps("Accelerators", example.counts(), "1"),
    )
    return fleet, fleet_knobs


@app.cell
def _(fleet, fleet_knobs):
    fleet.lights(fleet_knobs)
    return


@app.cell
def _(lab):
    decision = lab.decision(terms=["memory capacity", "memory bandwidth"])
    log = lab.log()
    return decision, log


@app.cell
def _(evidence):
    evidence.show()
    return


@app.cell
def _(decision, evidence):
    decision.form(evidence)
    return


@app.cell
def _(log):
    log.show()
    return


if __name__ == "__main__":
    app.run()
