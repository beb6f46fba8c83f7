"""Lab 03, Communication Topologies: the same money wired three ways, and what each asks of who sits where."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(app_title="Lab 03: Communication Topologies")


@app.cell
def _():
    from navarch.course.communication_topologies import columns, figures, wired, words
    from navarch.course.communication_topologies.variant import variant_of
    from navarch.course.frame import Lab

    lab = Lab.open("03")
    evidence = lab.evidence()
    mine = variant_of(lab.seed)
    return columns, evidence, figures, lab, mine, wired, words


@app.cell
def _(figures, lab):
    lab.page(
        lab.title(),
        lab.provocation(
            "The same money, wired three ways.",
            "Three fabrics join the same hosts and cost the same to the dollar. Somebody has to choose one before "
            "anybody knows what will run on it, and who will sit where.",
            lab.figure(
                figures.provocation(),
                "128 hosts, three times.",
                "The red line halves each of them.",
                alt=figures.PROVOCATION_TOLD,
            ),
        ),
    )
    return


@app.cell
def _(lab, mine, wired, words):
    _asked = words.bisection(mine)
    halved = lab.predict(
        "bisection",
        _asked.asked,
        unit="1",
        answer="more",
        objective=["3.1"],
        uses=[wired.same_money, wired.halves],
        context=_asked.context,
    )
    return (halved,)


@app.cell
def _(halved, lab):
    lab.page(lab.section("Part 1", "What the money buys"), halved.ask())
    return


@app.cell
def _():
    from navarch.course.communication_topologies import challenge, collisions, exchange, measured, placement, surprise

    return challenge, collisions, exchange, measured, placement, surprise


@app.cell
def _(halved, lab, mine, wired):
    halved.gate()
    wired_knobs = lab.controls(
        hosts=lab.steps("Hosts", wired.hosts(), "1", mine.wired.hosts),
        dimensions=lab.choice("Torus", wired.dimensions(), mine.wired.dimensions),
        money=lab.steps("Money for each host", wired.moneys(), "USD", mine.money),
    )
    return (wired_knobs,)


@app.cell
def _(columns, evidence, figures, halved, lab, mine, surprise, wired, wired_knobs):
    _key = halved.reveal(wired.same_money, **surprise.wired_inputs(mine))
    _shown = halved.reveal(wired.same_money, parts=mine.wired.parts, **wired_knobs.value)
    lab.page(
        halved.beside(_key["more"]),
        wired_knobs,
        lab.figure(
            figures.wired(_shown),
            "One sum, three rates, three bisections.",
            "A fabric of fewer ports gets faster links for the same money. How much of that reaches the other half is "
            "another matter. A torus of more hosts has longer lines, and the same few links across for each of them.",
            alt=figures.wired_told(_shown),
            rows=_shown.rows,
            units=columns.WIRED,
        ),
        lab.readings(_shown, "more", "money", "fat-tree_bisection", "torus_bisection", "dragonfly_bisection"),
        evidence.keep("wired", _shown),
    )
    return


@app.cell
def _(columns, evidence, halved, lab, mine, wired):
    _shown = halved.reveal(wired.halves, dimensions=mine.wired.dimensions)
    lab.page(
        lab.section("Check", "The bisection three ways"),
        lab.text(
            "Bisection bandwidth is a claim about the *worst* two halves. On networks of sixteen hosts every one of "
            "the balanced partitions can be tried: closed form, greatest flow and search agree, in links."
        ),
        lab.table(_shown.rows, columns.HALVES, "Links across the bisection of four small networks"),
        evidence.keep("halves", _shown),
    )
    return


@app.cell
def _(exchange, halved, lab, mine, words):
    halved.gate()
    _asked = words.exchange(mine)
    swapped = lab.predict(
        "exchange",
        _asked.asked,
        unit="1",
        answer="exchange_torus",
        objective=["3.1", "3.2"],
        uses=[exchange.collectives],
        context=_asked.context,
    )
    return (swapped,)


@app.cell
def _(lab, swapped):
    lab.page(lab.section("Part 2", "Two collectives"), swapped.ask())
    return


@app.cell
def _(exchange, lab, mine, swapped, wired):
    swapped.gate()
    exchange_knobs = lab.controls(
        hosts=lab.choice("Hosts of the collective", exchange.hosts(), mine.exchange.hosts),
        dimensions=lab.choice("Torus of the collective", wired.dimensions(), mine.exchange.dimensions),
        message=lab.steps("Message", exchange.messages(), "byte", mine.exchange.message),
    )
    return (exchange_knobs,)


@app.cell
def _(columns, evidence, exchange, exchange_knobs, figures, lab, mine, surprise, swapped):
    _key = swapped.reveal(exchange.collectives, **surprise.exchange_inputs(mine))
    _shown = swapped.reveal(exchange.collectives, parts=mine.wired.parts, money=mine.money, **exchange_knobs.value)
    lab.page(
        swapped.beside(_key["exchange_torus"]),
        exchange_knobs,
        lab.figure(
            figures.exchange(_shown),
            "The ring hardly cares. The all-to-all does.",
            "Bars are simulated flow by flow. The black mark is the closed form: for the all-to-all the later of what "
            "the hosts can send and what the bisection lets through. The circle is the same exchange with everything "
            "sent at once: going from distance to distance, all hosts want the same links at the same time.",
            alt=figures.exchange_told(_shown),
            rows=_shown.rows,
            units=columns.EXCHANGE,
        ),
        lab.readings(
            _shown, "ring_torus", "exchange_torus", "ring_dragonfly", "exchange_dragonfly", "ring_time", "exchange_time"
        ),
        evidence.keep("collectives", _shown),
    )
    return


@app.cell
def _(exchange, lab, mine, placement, swapped, words):
    swapped.gate()
    _asked = words.placement(mine)
    placed = lab.predict(
        "placement",
        _asked.asked,
        unit="1",
        answer="longer",
        objective=["3.2", "3.3"],
        uses=[placement.ring_on_leaves, exchange.in_random_order],
        context=_asked.context,
    )
    return (placed,)


@app.cell
def _(lab, placed):
    lab.page(lab.section("Part 3", "Who sits where"), placed.ask())
    return


@app.cell
def _(lab, mine, placed, placement):
    placed.gate()
    leaf_knobs = lab.controls(
        shape=lab.choice("Cluster", placement.shapes(), placement.shape_of(mine.leaves)),
        ratio=lab.steps("Ports down for each port up", placement.ratios(), "1", mine.leaves.ratio),
        algorithm=lab.choice("All-reduce", placement.algorithms(), placement.RING),
        gradient=lab.steps("Gradient", placement.gradients(), "byte", mine.gradient),
        draw=lab.choice("Random order", placement.orders(), mine.leaves.draw),
    )
    return (leaf_knobs,)


@app.cell
def _(columns, evidence, figures, lab, leaf_knobs, mine, placed, placement, surprise):
    _key = placed.reveal(placement.ring_on_leaves, **surprise.placement_inputs(mine))
    _shown = placed.reveal(placement.ring_on_leaves, **leaf_knobs.value)
    lab.page(
        placed.beside(_key["longer"]),
        leaf_knobs,
        lab.figure(
            figures.placement(_shown),
            "Few uplinks cost nothing, or a factor.",
            "In order one flow leaves each leaf, and one uplink is enough for it. In random order nearly every flow "
            "leaves, and all of them share what is there.",
            alt=figures.placement_told(_shown),
            rows=_shown.rows,
            units=columns.PLACEMENT,
        ),
        lab.readings(_shown, "longer", "thinned", "whole", "time", "random"),
        evidence.keep("placement", _shown),
    )
    return


@app.cell
def _(columns, evidence, exchange, exchange_knobs, figures, lab, mine, placed):
    _shown = placed.reveal(
        exchange.in_random_order,
        parts=mine.wired.parts,
        money=mine.money,
        draw=mine.leaves.draw,
        **exchange_knobs.value,
    )
    lab.page(
        lab.section("Simulate", "The same mistake on the three fabrics"),
        lab.figure(
            figures.shuffled(_shown),
            "No fabric forgives a ring in random order.",
            "Not even the fat-tree with all of its uplinks: each flow keeps to one path, and some share one.",
            alt=figures.shuffled_told(_shown),
            rows=_shown.rows,
            units=columns.SHUFFLED,
        ),
        evidence.keep("shuffled", _shown),
    )
    return


@app.cell
def _(lab, measured, mine, words):
    rings = lab.measure(
        "rings",
        "A ring in order, at random, and at its worst",
        measured.rings,
        inputs=measured.inputs(mine.order),
        limit=measured.LIMIT,
        objective=["3.2", "3.3"],
        recorded=measured.RECORDED,
        context=words.measured(),
    )
    return (rings,)


@app.cell
def _(placed, rings):
    placed.gate()
    rings.run()
    return


@app.cell
def _(columns, evidence, figures, lab, measured, placed, rings):
    rings.gate()
    _shown = placed.reveal(measured.rings_beside, **measured.beside_inputs(rings.shown, rings.recorded))
    lab.page(
        lab.figure(
            figures.rings(_shown),
            "The same processes, the same bytes, another order.",
            "Closed form: the ring at the share of the uplink that each of its crossings gets. What is measured also "
            "starts its connections and shares its cores.",
            alt=figures.rings_told(_shown),
            rows=_shown.rows,
            units=columns.RINGS,
        ),
        lab.readings(_shown, "longer_measured", "longer_simulated", "worst_measured", "worst_simulated"),
        evidence.keep("rings", _shown),
    )
    return


@app.cell
def _(collisions, lab, mine, placed, words):
    placed.gate()
    _asked = words.collision(mine)
    collided = lab.predict(
        "collision",
        _asked.asked,
        unit="1",
        answer="longer",
        objective=["3.2", "3.3"],
        uses=[collisions.one_hash, collisions.one_collision],
        context=_asked.context,
    )
    return (collided,)


@app.cell
def _(collided, lab):
    lab.page(lab.section("Part 4", "One hash"), collided.ask())
    return


@app.cell
def _(collided, collisions, lab, mine):
    collided.gate()
    hash_knobs = lab.controls(
        shape=lab.choice("Leaves", collisions.shapes(), collisions.shape_of(mine.hashed)),
        block=lab.steps("What each host sends", collisions.blocks(), "byte", mine.block),
        spread=lab.choice("Uplink chosen by", collisions.spreads(), collisions.HASHED),
    )
    return (hash_knobs,)


@app.cell
def _(collided, collisions, columns, evidence, figures, hash_knobs, lab, mine, surprise):
    _key = collided.reveal(collisions.one_hash, **surprise.collision_inputs(mine))
    _shown = collided.reveal(collisions.one_hash, **hash_knobs.value)
    _one = collided.reveal(collisions.one_collision, shape=hash_knobs.value["shape"], block=hash_knobs.value["block"])
    lab.page(
        collided.beside(_key["longer"]),
        hash_knobs,
        lab.figure(
            figures.hashed(_shown),
            "Paths enough for all, and everybody waits.",
            "Each bar is one draw of the hash. All are done when the flow is that shares its uplink with most others.",
            alt=figures.hashed_told(_shown),
            rows=_shown.rows,
            units=columns.HASHED,
        ),
        lab.readings(_shown, "longer", "mean", "closed", "expected", "even"),
        lab.text("**A single collision**, two flows on one uplink while one other stands idle:"),
        lab.readings(_one, "longer", "idle"),
        evidence.keep("hash", _shown),
    )
    return


@app.cell
def _(challenge, collided, lab, words):
    collided.gate()
    design = lab.challenge(
        "design",
        "Three jobs, one fabric",
        words.brief(),
        score=challenge.score,
        best=challenge.best,
        given={"seed": lab.seed},
        lower_is_better=True,
        objective=["3.1", "3.3"],
    )
    design_knobs = lab.controls(
        fabric=lab.choice("Fabric", challenge.fabric_names(), challenge.start().fabric),
        placement=lab.choice("Jobs are placed", challenge.placements(), challenge.start().placement),
        order=lab.choice("Who takes hosts first", challenge.orders(), challenge.start().order),
    )
    return design, design_knobs


@app.cell
def _(challenge, columns, design, design_knobs, evidence, figures, lab):
    _shown = lab.ask_instrument(challenge.score, {"seed": lab.seed, **design_knobs.value})
    _jobs = lab.ask_instrument(challenge.task, {"seed": lab.seed})
    _around = lab.ask_instrument(
        challenge.landscape,
        {
            "seed": lab.seed,
            "placement": design_knobs.value["placement"],
            "order": design_knobs.value["order"],
        },
    )
    lab.page(
        lab.section("Challenge", "Fabric and placement"),
        lab.table(_jobs.rows, columns.TASK, "The jobs"),
        design.lights(design_knobs),
        lab.figure(
            figures.landscape(_around),
            "This placement on every fabric.",
            "Another placement moves the jobs that miss their limits, and so the cheapest fabric that will do.",
            alt=figures.landscape_told(_around),
            rows=_around.rows,
            units=columns.LANDSCAPE,
        ),
        lab.readings(_shown, "score", "training_longer", "experts_longer", "search_longer"),
        evidence.keep("design", _shown),
    )
    return


@app.cell
def _(collided, lab, words):
    collided.gate()
    decision = lab.decision(terms=words.TERMS)
    return (decision,)


@app.cell
def _(decision, evidence, lab):
    lab.page(lab.section("Decision", "What would you wire?"), evidence.show(), decision.form(evidence))
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
