"""Lab 05, The Parallelism Puzzle: which strategy is best where, and a rule for choosing one."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Lab 05: The Parallelism Puzzle")


@app.cell
def _():
    from navarch.course.frame import Lab
    from navarch.course.parallelism_puzzle import challenge, figures, instruments, measured, words

    lab = Lab.open("05")
    evidence = lab.evidence()
    return challenge, evidence, figures, instruments, lab, measured, words


@app.cell
def _(lab):
    lab.page(
        lab.title(),
        lab.provocation(
            "Argue for your strategy.",
            "Someone in this room would train everything with sharded data parallelism. Someone else swears by tensor "
            "parallelism and a pipeline. Both have trained large models, and both are right somewhere. Three models, "
            "three clusters, nine pairs: find out where.",
        ),
    )
    return


@app.cell
def _(instruments, lab, words):
    _asked = words.best_kind(lab.seed)
    kind = lab.predict(
        "kind",
        _asked.asked,
        choices=words.kinds(),
        answer="kind",
        objective="5.3",
        uses=[instruments.best_on_pair, instruments.strategy_on_model],
        context=_asked.context,
    )
    return (kind,)


@app.cell
def _(kind, lab):
    lab.page(lab.section("Part 1", "One model, three clusters"), kind.ask())
    return


@app.cell
def _(kind, lab, words):
    kind.gate()
    card_knobs = lab.controls(
        tensor=lab.choice("Tensor", words.degrees()["tensor"], words.GIVEN["tensor"]),
        pipeline=lab.choice("Pipeline", words.degrees()["pipeline"], words.GIVEN["pipeline"]),
        context=lab.choice("Context", words.degrees()["context"], words.GIVEN["context"]),
        expert=lab.choice("Expert", words.degrees()["expert"], words.GIVEN["expert"]),
        zero_stage=lab.choice("Sharding", words.zero_stages(), words.GIVEN["zero_stage"]),
        recomputation=lab.choice("Recomputation", words.recomputations(), words.GIVEN["recomputation"]),
    )
    return (card_knobs,)


@app.cell
def _(card_knobs, evidence, figures, instruments, kind, lab, words):
    _key = kind.reveal(instruments.best_on_pair, seed=lab.seed, place=words.place(words.MIDDLE, words.ETHERNET))
    _shown = kind.reveal(instruments.strategy_on_model, seed=lab.seed, size=words.MIDDLE, **card_knobs.value)
    _units = {
        "model": ("Model", ""),
        "cluster": ("Cluster", ""),
        "step_time": ("Your step", "s"),
        "over": ("Times the best", "1"),
        "best": ("Best strategy", ""),
        "best_time": ("Its step", "s"),
    }
    lab.page(
        kind.beside(_key["kind"]),
        lab.figure(
            figures.kinds_figure(_key.rows),
            "The best of each kind on that cluster.",
            "Every legal plan was tried; the blue one is the fastest.",
            alt=words.kinds_told(_key),
            rows=words.picked(_key.rows, words.KINDS_SHOWN),
            units={
                "kind": ("Kind", ""),
                "strategy": ("Strategy", ""),
                "step_time": ("Step", "s"),
                "memory": ("Memory", "byte"),
            },
        ),
        lab.text(
            "**Your own card.** How many replicas there are follows from the fleet; microbatch and virtual stages are "
            "set for the best. Try it on the same model and all three clusters:"
        ),
        card_knobs,
        lab.figure(
            figures.pairs_figure(_shown.rows),
            "The same card, three clusters.",
            "1.00 is the best of all strategies there; a dash does not fit or is not legal.",
            alt=words.cells_told(_shown.rows),
        ),
        lab.table(words.picked(_shown.rows, words.BESIDE), _units, "Your strategy beside the best of each cluster"),
        lab.readings(_shown, "kinds", "wins", "runs"),
        evidence.keep("kind", _shown),
    )
    return


@app.cell
def _(instruments, kind, lab, words):
    kind.gate()
    _asked, _then = words.step_time(lab.seed), words.memory(lab.seed)
    step = lab.predict(
        "step",
        _asked.asked,
        unit="s",
        answer="step_time",
        objective="5.3",
        uses=[instruments.strategy_on_pair],
        context=_asked.context,
    )
    memory = lab.predict(
        "memory",
        _then.asked,
        unit="byte",
        answer="memory",
        objective="5.3",
        uses=[instruments.strategy_on_pair],
        context=_then.context,
    )
    return memory, step


@app.cell
def _(lab, memory, step):
    lab.page(lab.section("Part 2", "A step, and what it needs"), step.ask(), memory.ask())
    return


@app.cell
def _(lab, memory, step, words):
    step.gate()
    memory.gate()
    pair_knobs = lab.controls(
        place=lab.choice("Pair", words.places(lab.seed), words.place(words.LARGE, words.FAST)),
        tensor=lab.choice("Tensor", words.degrees()["tensor"], words.GIVEN["tensor"]),
        pipeline=lab.choice("Pipeline", words.degrees()["pipeline"], words.GIVEN["pipeline"]),
        context=lab.choice("Context", words.degrees()["context"], words.GIVEN["context"]),
        expert=lab.choice("Expert", words.degrees()["expert"], words.GIVEN["expert"]),
        zero_stage=lab.choice("Sharding", words.zero_stages(), words.GIVEN["zero_stage"]),
        recomputation=lab.choice("Recomputation", words.recomputations(), words.GIVEN["recomputation"]),
    )
    return (pair_knobs,)


@app.cell
def _(evidence, figures, instruments, lab, memory, pair_knobs, step, words):
    _at = words.place(words.LARGE, words.FAST)
    _key = step.reveal(instruments.strategy_on_pair, seed=lab.seed, place=_at, **words.GIVEN)
    memory.reveal(instruments.strategy_on_pair, seed=lab.seed, place=_at, **words.GIVEN)
    _shown = step.reveal(instruments.strategy_on_pair, seed=lab.seed, **pair_knobs.value)
    _told = (
        [
            lab.figure(
                figures.parts_figure(_shown.rows),
                "Where the step goes.",
                "What is hidden beside computation costs nothing; all the rest adds up.",
                alt=words.parts_told(_shown),
                rows=_shown.rows,
                units={"part": ("Part", ""), "time": ("Time", "s"), "communication": ("Hidden or not", "s")},
            ),
            lab.readings(_shown, "strategy", "step_time", "memory", "free", "over", "ratio"),
        ]
        if words.runs(_shown)
        else [lab.readings(_shown, "strategy", "why")]
    )
    lab.page(
        step.beside(_key["step_time"]),
        memory.beside(_key["memory"]),
        pair_knobs,
        *_told,
        evidence.keep("step", _shown),
    )
    return


@app.cell
def _(evidence, figures, instruments, lab, pair_knobs, step, words):
    _shown = step.reveal(instruments.pipeline_on_pair, seed=lab.seed, **pair_knobs.value)
    _told = (
        [
            lab.figure(
                figures.gantt_figure(_shown),
                "The pipeline, microbatch by microbatch.",
                "Grey is waiting. The closed form has one bubble for all stages; the run has each stage's own.",
                alt="A chart with a row for each stage of the pipeline and a block for each forward and backward pass.",
                rows=_shown.rows,
                units={"stage": ("Stage", "1"), "busy": ("Works", "s"), "waits": ("Waits", "s")},
            ),
            lab.readings(_shown, "step", "bubble", "estimate"),
        ]
        if words.runs(_shown)
        else [lab.readings(_shown, "why")]
    )
    lab.page(lab.section("Simulate", "The same strategy, event by event"), *_told, evidence.keep("pipeline", _shown))
    return


@app.cell
def _(instruments, lab, step, words):
    step.gate()
    _asked = words.tensor_ratio(lab.seed)
    moved = lab.predict(
        "ratio",
        _asked.asked,
        unit="1",
        answer="ratio",
        objective="5.2",
        uses=[instruments.tensor_ratio, instruments.ratios_on_pair],
        context=_asked.context,
    )
    return (moved,)


@app.cell
def _(lab, moved):
    lab.page(lab.section("Part 3", "Communication against computation"), moved.ask())
    return


@app.cell
def _(lab, moved, words):
    moved.gate()
    ratio_knobs = lab.controls(
        place=lab.choice("Pair", words.places(lab.seed), words.place(words.MIDDLE, words.PCIE)),
    )
    return (ratio_knobs,)


@app.cell
def _(evidence, figures, instruments, lab, moved, ratio_knobs, words):
    _key = moved.reveal(instruments.tensor_ratio, **words.tensor_inputs(lab.seed))
    _shown = moved.reveal(instruments.ratios_on_pair, seed=lab.seed, **ratio_knobs.value)
    lab.page(
        moved.beside(_key["ratio"]),
        lab.readings(_key, "ratio", "sent", "communication", "computation"),
        ratio_knobs,
        lab.figure(
            figures.ratios_figure(_shown.rows),
            "Each form of parallelism alone.",
            "Above the dashed line an accelerator spends longer on sending than on computing.",
            alt=words.ratios_told(_shown),
            rows=_shown.rows,
            units={
                "form": ("Form", ""),
                "degree": ("Accelerators", "1"),
                "ratio": ("Ratio", "1"),
                "communication": ("Communication", "s"),
                "computation": ("Computation", "s"),
                "sent": ("Sent by one", "byte"),
            },
        ),
        evidence.keep("ratio", _shown),
    )
    return


@app.cell
def _(lab, measured, moved):
    moved.gate()
    _asked, _context = measured.question_of_bytes()
    sent = lab.predict(
        "sent",
        _asked,
        unit="byte",
        answer="sent",
        objective=["5.1", "5.2"],
        uses=[measured.forms_on_this_machine],
        context=_context,
    )
    return (sent,)


@app.cell
def _(lab, sent):
    lab.page(lab.section("Part 4", "On this machine"), sent.ask())
    return


@app.cell
def _(lab, measured):
    forms = lab.measure(
        "forms",
        "Data, tensors and stages, really run",
        measured.forms_on_this_machine,
        inputs={"seconds": measured.SECONDS, "ranks": measured.RANKS},
        limit=measured.LIMIT,
        objective=["5.1", "5.2"],
        recorded=measured.RECORDED,
        context="The same small transformer is trained by two processes in three ways. Each gradient is compared with "
        "that of one process, each step with what its ingredients predict.",
    )
    return (forms,)


@app.cell
def _(forms, sent):
    sent.gate()
    forms.run()
    return


@app.cell
def _(evidence, figures, forms, lab, sent, words):
    sent.gate()
    forms.gate()
    _shown = forms.shown
    lab.page(
        sent.beside(_shown["sent"]),
        lab.figure(
            figures.measured_figure(_shown.rows),
            "Three ways to divide the same work.",
            "Predicted from the computation, the latency and the bandwidth that were measured a moment before.",
            alt=words.measured_told(_shown),
            rows=_shown.rows,
            units={
                "form": ("Form", ""),
                "step": ("Measured", "s"),
                "predicted": ("Predicted", "s"),
                "off": ("Off by", "fraction"),
                "sent": ("Sent", "byte"),
                "sent_predicted": ("Sent, predicted", "byte"),
                "gradients": ("Gradients differ by", "1"),
            },
        ),
        lab.readings(_shown, "data", "tensor", "pipeline", "single", "bandwidth", "latency"),
        lab.readings(_shown, "data_gradients", "tensor_gradients", "pipeline_gradients"),
        evidence.keep("forms", _shown),
    )
    return


@app.cell
def _(instruments, lab, sent, words):
    sent.gate()
    _asked = words.flip(lab.seed)
    flip = lab.predict(
        "flip",
        _asked.asked,
        unit="byte/s",
        answer="flip",
        objective="5.3",
        uses=[instruments.flip_on_pair, instruments.at_one_bandwidth],
        context=_asked.context,
    )
    return (flip,)


@app.cell
def _(flip, lab):
    lab.page(lab.section("Part 5", "One bandwidth"), flip.ask())
    return


@app.cell
def _(flip, lab, words):
    flip.gate()
    network_knobs = lab.controls(
        bandwidth=lab.steps("Network of an accelerator", words.bandwidths(lab.seed), "byte/s", words.own(lab.seed)),
    )
    return (network_knobs,)


@app.cell
def _(evidence, figures, flip, instruments, lab, network_knobs, words):
    _key = flip.reveal(instruments.flip_on_pair, **words.flip_inputs(lab.seed))
    _shown = flip.reveal(instruments.at_one_bandwidth, **words.flip_inputs(lab.seed), **network_knobs.value)
    lab.page(
        flip.beside(_key["flip"]),
        lab.figure(
            figures.flip_figure(_key.rows),
            "The best strategy changes with one number.",
            "Same model, same accelerators. Whoever keeps the strategy of the fast network pays the orange line.",
            alt=words.flip_told(_key),
            rows=_key.rows,
            units={
                "bandwidth": ("Network", "byte/s"),
                "best": ("Best degrees", ""),
                "best_time": ("Step", "s"),
                "kept_time": ("Step, strategy kept", "s"),
            },
        ),
        lab.readings(_key, "own", "strategy", "then", "kept"),
        network_knobs,
        lab.readings(_shown, *_shown.readings),
        evidence.keep("flip", _key),
    )
    return


@app.cell
def _(challenge, flip, lab, words):
    flip.gate()
    one = lab.challenge(
        "strategy",
        "One strategy for nine pairs",
        "Hand in the strategy that you will argue for. It must run on as many of your nine pairs as any strategy "
        "can, and lose as little of the best speed as possible.",
        score=challenge.strategy_score,
        best=challenge.best_strategy,
        given={"seed": lab.seed},
        lower_is_better=True,
        objective="5.3",
    )
    one_knobs = lab.controls(
        tensor=lab.choice("Tensor", words.degrees()["tensor"], words.GIVEN["tensor"]),
        pipeline=lab.choice("Pipeline", words.degrees()["pipeline"], words.GIVEN["pipeline"]),
        context=lab.choice("Context", words.degrees()["context"], words.GIVEN["context"]),
        expert=lab.choice("Expert", words.degrees()["expert"], words.GIVEN["expert"]),
        zero_stage=lab.choice("Sharding", words.zero_stages(), words.GIVEN["zero_stage"]),
        recomputation=lab.choice("Recomputation", words.recomputations(), words.GIVEN["recomputation"]),
    )
    return one, one_knobs


@app.cell
def _(lab, one, one_knobs):
    lab.page(lab.section("Challenge", "The class debate"), one.lights(one_knobs))
    return


@app.cell
def _(evidence, figures, flip, instruments, lab, one_knobs, words):
    _shown = flip.reveal(instruments.strategy_on_nine, seed=lab.seed, **one_knobs.value)
    lab.page(
        lab.figure(
            figures.pairs_figure(_shown.rows),
            "Your strategy on your nine pairs.",
            "1.00 is the best of all strategies on that pair. Count how often one strategy is best.",
            alt=words.cells_told(_shown.rows),
            rows=words.picked(_shown.rows, words.BESIDE),
            units={
                "model": ("Model", ""),
                "cluster": ("Cluster", ""),
                "step_time": ("Your step", "s"),
                "over": ("Times the best", "1"),
                "best": ("Best strategy", ""),
                "best_time": ("Its step", "s"),
            },
        ),
        lab.readings(_shown, "wins", "runs", "kinds"),
        evidence.keep("nine", _shown),
    )
    return


@app.cell
def _(challenge, flip, lab):
    flip.gate()
    rule = lab.challenge(
        "rule",
        "A rule for choosing",
        "The first row whose condition holds chooses the card. Your rule must run on all nine pairs and lose less than "
        "any single strategy.",
        score=challenge.rule_score,
        best=challenge.best_rule,
        given={"seed": lab.seed},
        lower_is_better=True,
        objective="5.3",
    )
    rule_knobs = lab.controls(
        small_below=lab.steps("A model is small below so many accelerators of states", challenge.SMALL_BELOW, "1"),
        small=lab.choice("If it is small", challenge.card_names(), "tensor-zero-2"),
        fast_from=lab.steps("A network is fast from", challenge.FAST_FROM, "byte/s"),
        fast=lab.choice("Else, if the network is fast", challenge.card_names(), "four-by-eight"),
        wide=lab.choice("Else, if eight or more are joined", challenge.card_names(), "eight-by-eight"),
        otherwise=lab.choice("Else", challenge.card_names(), "four-by-sixteen"),
    )
    return rule, rule_knobs


@app.cell
def _(rule, rule_knobs):
    rule.lights(rule_knobs)
    return


@app.cell
def _(challenge, evidence, figures, flip, lab, one_knobs, rule_knobs, words):
    _shown = flip.reveal(challenge.rule_on_nine, seed=lab.seed, **rule_knobs.value)
    _text = challenge.hand_in_told(lab.student.name, one_knobs.value, rule_knobs.value)
    lab.page(
        lab.figure(
            figures.pairs_figure(_shown.rows),
            "Your rule on your nine pairs.",
            "A rule may use another strategy on each pair.",
            alt=words.cells_told(_shown.rows),
            rows=words.picked(_shown.rows, words.RAN),
            units={
                "model": ("Model", ""),
                "cluster": ("Cluster", ""),
                "strategy": ("Strategy used", ""),
                "over": ("Times the best", "1"),
                "why": ("Why it does not run", ""),
            },
        ),
        lab.table(
            challenge.told_pairs(lab.seed),
            {
                "model": ("Model", ""),
                "cluster": ("Cluster", ""),
                "parameters": ("Parameters", "parameter"),
                "states_over_accelerator": ("Accelerators of states", "1"),
                "memory": ("Memory", "byte"),
                "domain": ("Joined", "1"),
                "scaleup": ("Within", "byte/s"),
                "scaleout": ("Beyond", "byte/s"),
            },
            "What a rule may ask",
        ),
        evidence.keep("rule", _shown),
        lab.text(_text),
    )
    return


@app.cell
def _(lab):
    decision = lab.decision(
        terms=[
            "memory capacity",
            "bandwidth within the server",
            "bandwidth of the network",
            "pipeline bubble",
            "computation",
        ]
    )
    log = lab.log()
    return decision, log


@app.cell
def _(decision, evidence, flip):
    flip.gate()
    decision.form(evidence)
    return


@app.cell
def _(log):
    log.show()
    return


if __name__ == "__main__":
    app.run()
