"""Lab 02, The Interconnect Wall: how far a result is from the accelerator that waits for it."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Lab 02: The Interconnect Wall")


@app.cell
def _():
    from navarch.course.frame import Lab
    from navarch.course.interconnect_wall import (
        challenge,
        columns,
        figures,
        generations,
        levels,
        links,
        measured,
        pod,
        surprise,
        tensor,
        words,
    )
    from navarch.course.interconnect_wall.variant import variant_of

    lab = Lab.open("02")
    evidence = lab.evidence()
    mine = variant_of(lab.seed)
    return (
        challenge,
        columns,
        evidence,
        figures,
        generations,
        lab,
        levels,
        links,
        measured,
        mine,
        pod,
        surprise,
        tensor,
        words,
    )


@app.cell
def _(figures, lab):
    lab.page(
        lab.title(),
        lab.provocation(
            "The product takes a millisecond. How long does its result take to get next door, to the next rack, "
            "across the hall?",
            "One accelerator has just multiplied two matrices, and the others wait for what came out. Nothing about "
            "the multiplication tells you how long they wait.",
            lab.figure(
                figures.hall(),
                "A hall of accelerators.",
                "The same bytes, three ways to go.",
                alt="Two rows of racks full of small squares. One square is the accelerator that computed; another "
                "beside it is next door, one is in the next rack, one in the last rack of the other row.",
            ),
        ),
    )
    return


@app.cell
def _(lab, levels, links, mine, words):
    _asked = words.message(mine)
    sent = lab.predict(
        "message",
        _asked.asked,
        unit="s",
        objective=["2.1", "2.3"],
        uses=[links.one_message, links.product_next_door, links.by_size, levels.machine_levels],
        context=_asked.context,
        answer="hall",
    )
    return (sent,)


@app.cell
def _(lab, sent):
    lab.page(lab.section("Part 1", "From tier to tier"), sent.ask())
    return


@app.cell
def _(lab, links, mine, sent):
    sent.gate()
    tier_knobs = lab.controls(
        node=lab.choice("Server", links.nodes(), mine.server.node),
        network=lab.choice("To the next rack", links.networks("network"), mine.server.network),
        hall=lab.choice("Across the hall", links.networks("hall"), mine.server.hall),
    )
    size_knobs = lab.controls(message=lab.steps("Message", links.messages(), "byte", mine.message))
    return size_knobs, tier_knobs


@app.cell
def _(columns, evidence, figures, lab, links, mine, sent, size_knobs, surprise, tier_knobs):
    _key = sent.reveal(links.one_message, **surprise.message_inputs(mine))
    _shown = sent.reveal(links.one_message, **tier_knobs.value, **size_knobs.value)
    lab.page(
        sent.beside(_key["hall"]),
        tier_knobs,
        size_knobs,
        lab.figure(
            figures.message(_shown),
            "The same bytes, five ways.",
            "Each bar is one transfer with nothing else on the link. The axis is logarithmic: every line is ten times "
            "the one before.",
            alt=figures.message_told(_shown),
            rows=_shown.rows,
            units=columns.MESSAGE,
        ),
        lab.readings(_shown, "memory", "scaleup", "bus", "network", "hall", "slower"),
        evidence.keep("message", _shown),
    )
    return


@app.cell
def _(columns, evidence, figures, lab, links, sent, tier_knobs):
    _shown = sent.reveal(links.product_next_door, **tier_knobs.value)
    lab.page(
        lab.section("The provocation", "A millisecond of arithmetic, and its result"),
        lab.figure(
            figures.product(_shown),
            "The product, and its result on the way.",
            "The product is estimated by the library's model of matrix products, its result is as large as one of the "
            "matrices.",
            alt=figures.product_told(_shown),
            rows=_shown.rows,
            units=columns.PRODUCT,
        ),
        lab.readings(_shown, "product", "result", "scaleup", "network", "hall"),
        evidence.keep("product", _shown),
    )
    return


@app.cell
def _(columns, evidence, figures, lab, links, sent, tier_knobs):
    _shown = sent.reveal(links.by_size, **tier_knobs.value)
    lab.page(
        lab.section("Small messages", "Where latency is all there is"),
        lab.figure(
            figures.by_size(_shown),
            "A fast link is fast only for large messages.",
            "To the left every link moves as little as its latency allows; half of the bandwidth is reached where the "
            "transfer takes as long as the latency.",
            alt=figures.by_size_told(_shown),
            rows=_shown.rows,
            units=columns.BY_SIZE,
        ),
        lab.readings(_shown, "memory", "scaleup", "network", "hall"),
        evidence.keep("sizes", _shown),
    )
    return


@app.cell
def _(lab, levels, sent):
    sent.gate()
    machine_knobs = lab.controls(accelerators=lab.steps("In the machine", levels.sizes(), "1", levels.sizes()[2]))
    return (machine_knobs,)


@app.cell
def _(columns, evidence, figures, lab, levels, machine_knobs, sent, tier_knobs):
    _shown = sent.reveal(
        levels.machine_levels,
        node=tier_knobs.value["node"],
        network=tier_knobs.value["network"],
        **machine_knobs.value,
    )
    lab.page(
        lab.section("The whole", "Chip, node, rack, pod, cluster"),
        machine_knobs,
        lab.figure(
            figures.levels(_shown),
            "What one accelerator has at each level.",
            "A rack is what power and height allow, a pod what one set of leaf switches joins. Beyond the node every "
            "level has the same share of the network, many times less than there is within.",
            alt=figures.levels_told(_shown),
            rows=_shown.rows,
            units=columns.LEVELS,
        ),
        lab.readings(_shown),
        evidence.keep("levels", _shown),
    )
    return


@app.cell
def _(lab, measured, words):
    own = lab.measure(
        "hierarchy",
        "How far is this machine from itself?",
        measured.hierarchy,
        inputs={"seconds": measured.SECONDS},
        limit=measured.LIMIT,
        objective="2.1",
        recorded=measured.RECORDED,
        context=words.measured(),
    )
    return (own,)


@app.cell
def _(own, sent):
    sent.gate()
    own.run()
    return


@app.cell
def _(columns, evidence, figures, lab, measured, own, sent):
    sent.gate()
    own.gate()
    _shown = lab.ask_instrument(measured.this_machine, measured.compared_inputs(own.shown, own.recorded))
    lab.page(
        lab.figure(
            figures.hierarchy(own.shown),
            "This machine's own hierarchy.",
            "Dots are medians, bars hold 80 % of the runs, dashed lines are the estimate: latency plus size over the "
            "best rate. Above its line lies what no longer fits the caches.",
            alt=figures.hierarchy_told(own.shown),
            rows=own.shown.rows,
            units=columns.HIERARCHY,
        ),
        lab.readings(_shown),
        evidence.keep("own", _shown),
    )
    return


@app.cell
def _(generations, lab, mine, sent, words):
    sent.gate()
    _asked = words.bytes_a_flop(mine)
    grown = lab.predict(
        "generations",
        _asked.asked,
        unit="byte",
        objective="2.3",
        uses=[generations.generations],
        context=_asked.context,
        answer="bytes",
    )
    return (grown,)


@app.cell
def _(grown, lab):
    lab.page(lab.section("Part 2", "Three generations"), grown.ask())
    return


@app.cell
def _(generations, grown, lab, mine):
    grown.gate()
    family_knobs = lab.controls(
        family=lab.choice("Accelerators", generations.families(mine.link), mine.family),
        link=lab.choice("Link", generations.links_beside(mine.link), mine.link),
    )
    return (family_knobs,)


@app.cell
def _(columns, evidence, family_knobs, figures, generations, grown, lab, mine, surprise):
    _key = grown.reveal(generations.generations, **surprise.generation_inputs(mine))
    _shown = grown.reveal(generations.generations, **family_knobs.value)
    lab.page(
        grown.beside(_key["bytes"]),
        family_knobs,
        lab.figure(
            figures.generations(_shown),
            "Arithmetic, and the ways in and out.",
            "Each line is a rate of the data sheet over that of the first generation. What the links did not follow, a "
            "program must make up by moving less.",
            alt=figures.generations_told(_shown),
            rows=_shown.rows,
            units=columns.GENERATIONS,
        ),
        lab.readings(_shown, "bytes", "bytes_first", "arithmetic", "link", "outgrown"),
        evidence.keep("generations", _shown),
    )
    return


@app.cell
def _(grown, lab, mine, tensor, words):
    grown.gate()
    _asked = words.degree(mine)
    group = lab.predict(
        "degree",
        _asked.asked,
        unit="1",
        objective=["2.1", "2.3"],
        uses=[tensor.tensor_parallel, tensor.one_tier_out, tensor.all_reduce],
        context=_asked.context,
        answer="degree",
    )
    return (group,)


@app.cell
def _(group, lab):
    lab.page(lab.section("Part 3", "A group that grows"), group.ask())
    return


@app.cell
def _(group, lab, mine, tensor):
    group.gate()
    group_knobs = lab.controls(
        model=lab.choice("Model", tensor.models(), mine.group.model),
        node=lab.choice("Server of the group", tensor.nodes(), mine.group.node),
    )
    place_knobs = lab.controls(
        domain=lab.steps("Accelerators of a server", tensor.domains(), "1", tensor.domain_of(mine.group.node)),
    )
    return group_knobs, place_knobs


@app.cell
def _(columns, evidence, figures, group, group_knobs, lab, mine, place_knobs, surprise, tensor):
    _key = group.reveal(tensor.tensor_parallel, **surprise.tensor_inputs(mine))
    _shown = group.reveal(
        tensor.tensor_parallel, sequence=mine.group.sequence, **group_knobs.value, **place_knobs.value
    )
    lab.page(
        group.beside(_key["degree"]),
        group_knobs,
        place_knobs,
        lab.figure(
            figures.degrees(_shown),
            "Computing divides, moving does not.",
            "Time of a step of one group, by the training model. The dashed line is the edge of the server; what lies "
            "right of it goes through the network cards. Imagine larger servers with the slider.",
            alt=figures.degrees_told(_shown),
            rows=_shown.rows,
            units=columns.DEGREES,
        ),
        lab.readings(_shown),
        evidence.keep("group", _shown),
    )
    return


@app.cell
def _(columns, evidence, figures, group, group_knobs, lab, mine, tensor):
    _shown = group.reveal(tensor.one_tier_out, sequence=mine.group.sequence, **group_knobs.value)
    lab.page(
        lab.section("One tier too many", "The same group, the same plan, further apart"),
        lab.figure(
            figures.tier(_shown),
            "The same accelerators, further apart.",
            "Nothing changed but where they stand: the model, the plan and the number of accelerators are the same.",
            alt=figures.tier_told(_shown),
            rows=_shown.rows,
            units=columns.TIER,
        ),
        lab.readings(_shown, "within", "across", "left", "half"),
        evidence.keep("tier", _shown),
    )
    return


@app.cell
def _(columns, evidence, figures, group, group_knobs, lab, mine, place_knobs, tensor):
    _shown = group.reveal(tensor.all_reduce, sequence=mine.group.sequence, **group_knobs.value, **place_knobs.value)
    lab.page(
        lab.section("Simulate", "One sum of activations, flow by flow"),
        lab.figure(
            figures.reduces(_shown),
            "All cards, or one.",
            "The closed form lets rings over all network cards of a server run at once; the simulated schedule sums "
            "within the servers, then between them. One ring alone leaves each server through a single card.",
            alt=figures.reduces_told(_shown),
            rows=_shown.rows,
            units=columns.REDUCES,
        ),
        lab.readings(_shown, "message", "estimate", "simulated", "one_ring"),
        evidence.keep("reduce", _shown),
    )
    return


@app.cell
def _(group, lab, mine, pod, words):
    group.gate()
    _asked = words.bisection(mine)
    halves = lab.predict(
        "bisection",
        _asked.asked,
        unit="byte/s",
        objective="2.2",
        uses=[pod.bisection, pod.families],
        context=_asked.context,
        answer="bisection",
    )
    return (halves,)


@app.cell
def _(halves, lab):
    lab.page(lab.section("Part 4", "A pod in two halves"), halves.ask())
    return


@app.cell
def _(halves, lab, mine, pod, surprise):
    halves.gate()
    pod_knobs = lab.controls(
        leaves=lab.steps("Leaf switches", pod.leaves(), "1", mine.pod.leaves),
        split=lab.choice("Ports of a leaf", pod.splits(), surprise.pod_inputs(mine.pod)["split"]),
        accelerator=lab.choice("Accelerator", pod.accelerators(), mine.pod.accelerator),
    )
    return (pod_knobs,)


@app.cell
def _(columns, evidence, figures, halves, lab, mine, pod, pod_knobs, surprise):
    _key = halves.reveal(pod.bisection, **surprise.pod_inputs(mine.pod))
    _shown = halves.reveal(pod.bisection, **pod_knobs.value)
    lab.page(
        halves.beside(_key["bisection"]),
        pod_knobs,
        lab.figure(
            figures.pod(_shown),
            "The pod, and the line that halves it.",
            "A spine may stand on either side of the line; the flow finds the sides that carry least.",
            alt=figures.pod_told(_shown),
        ),
        lab.readings(_shown, "bisection", "flow", "off", "each", "memories", "share"),
        lab.figure(
            figures.against(_shown),
            "Every tier carries a fraction of the one below.",
            "What the pod's accelerators can read, say to their neighbours, send, and say to the other half.",
            alt=figures.against_told(_shown),
            rows=_shown.rows,
            units=columns.AGAINST,
        ),
        evidence.keep("bisection", _shown),
    )
    return


@app.cell
def _(halves, lab, pod):
    halves.gate()
    size_of_pod = lab.controls(hosts=lab.steps("Accelerators", pod.host_counts(), "1", pod.host_counts()[2]))
    return (size_of_pod,)


@app.cell
def _(columns, evidence, figures, halves, lab, pod, size_of_pod):
    _shown = halves.reveal(pod.families, **size_of_pod.value)
    lab.page(
        lab.section("Other shapes", "The same links, wired differently"),
        size_of_pod,
        lab.figure(
            figures.families(_shown),
            "Closed form and greatest flow, side by side.",
            "Bars are the greatest flow between the halves, ticks the closed form of each family.",
            alt=figures.families_told(_shown),
            rows=_shown.rows,
            units=columns.FAMILIES,
        ),
        evidence.keep("families", _shown),
    )
    return


@app.cell
def _(challenge, halves, lab, words):
    halves.gate()
    design = lab.challenge(
        "design",
        "A cluster that does not wait",
        words.brief(lab.seed),
        score=challenge.score,
        best=challenge.best,
        given={"seed": lab.seed},
        lower_is_better=True,
        objective=["2.1", "2.3"],
    )
    design_knobs = lab.controls(
        servers=lab.steps("Servers", challenge.servers(), "1", challenge.start()["servers"]),
        cards=lab.steps("Network cards of a server", challenge.cards(), "1", challenge.start()["cards"]),
        tensor=lab.steps("Tensor-parallel group", challenge.degrees(), "1", challenge.start()["tensor"]),
    )
    return design, design_knobs


@app.cell
def _(challenge, columns, design, design_knobs, evidence, figures, lab):
    _shown = lab.ask_instrument(challenge.score, {"seed": lab.seed, **design_knobs.value})
    _around = lab.ask_instrument(challenge.landscape, {"seed": lab.seed, "tensor": design_knobs.value["tensor"]})
    lab.page(
        lab.section("Challenge", "Servers and cards for a budget"),
        design.lights(design_knobs),
        lab.figure(
            figures.landscape(_around, design_knobs.value["servers"], design_knobs.value["cards"]),
            "What waits, by servers and cards.",
            "Dots keep to every constraint; the ring is your design. More servers leave less to compute for each, and "
            "as much to move; the lines jump where the batch does not divide evenly.",
            alt=figures.landscape_told(_around),
            rows=_around.rows,
            units=columns.LANDSCAPE,
        ),
        lab.readings(_shown, "score", "exposed", "waiting", "cost", "rate"),
        evidence.keep("design", _shown),
    )
    return


@app.cell
def _(halves, lab):
    halves.gate()
    decision = lab.decision(
        terms=[
            "arithmetic of an accelerator",
            "memory bandwidth",
            "bandwidth within the server",
            "bandwidth of the network cards",
            "latency of a message",
            "bisection of the network",
            "communication that computation does not hide",
            "money",
        ]
    )
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
