"""Communication of each form alone: the volumes that one writes on a blackboard, and their times."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from navarch.distributed.training import estimate
from navarch.distributed.training.anatomy import anatomy_of
from navarch.distributed.training.ratios import FORMS, degrees_of, plan_alone, ratio_of, ratios_of, volumes_of

BATCH, LENGTH = 64, 8192
FORM = {form.key: form for form in FORMS}


@pytest.fixture(scope="module")
def sent(llama8b, h100, runtime):
    """Bytes that an accelerator sends in a step of a form alone."""

    def volume(key: str, degree: int, shape=llama8b) -> float:
        plan = plan_alone(FORM[key], degree, BATCH, LENGTH)
        return volumes_of(shape, h100, plan, runtime)[FORM[key].communication]

    return volume


@pytest.mark.parametrize("degree", [2, 8, 64])
def test_a_ring_moves_everything_twice(sent, llama8b, runtime, plan, degree) -> None:
    # Patarasuk and Yuan 2009: 2 (n - 1)/n of the gradients; ZeRO-3 the gradients once and the weights twice, every
    # microbatch (Rajbhandari et al. 2020, section 7)
    parameters = float(anatomy_of(llama8b, plan()).total)
    norms = 2 * float(llama8b.hidden) * float(llama8b.layers)  # counted with the layers
    share = (degree - 1) / degree
    gradients, weights = parameters * runtime.gradient_bytes, parameters * runtime.weight_bytes
    assert sent("data", degree) == pytest.approx(2 * share * gradients, rel=norms / parameters)
    each = share * (gradients + 2 * weights)
    assert sent("zero-3", degree) == pytest.approx(each * BATCH / degree, rel=norms / parameters)


@pytest.mark.parametrize("degree", [2, 4, 8])
def test_tensor_parallelism_reduces_activations_four_times_a_layer(sent, llama8b, runtime, degree) -> None:
    # Shoeybi et al. 2019, section 3
    tokens = BATCH * LENGTH
    message = tokens * float(llama8b.hidden) * runtime.activation_bytes
    expected = 4 * 2 * (degree - 1) / degree * message * float(llama8b.layers)
    assert sent("tensor", degree) == pytest.approx(expected)


@pytest.mark.parametrize("degree", [2, 8])
def test_a_stage_sends_its_output_and_a_gradient(sent, llama8b, runtime, degree) -> None:
    expected = 2 * BATCH * LENGTH * float(llama8b.hidden) * runtime.activation_bytes
    assert sent("pipeline", degree) == pytest.approx(expected)


@pytest.mark.parametrize("degree", [2, 8, 32])
def test_a_ring_of_keys_and_values(sent, llama8b, runtime, degree) -> None:
    # Liu, Zaharia and Abbeel 2023: keys and values go round once forward, with their gradients twice backward
    width = 2 * float(llama8b.kv_heads) * float(llama8b.head_dim)
    rank = BATCH * LENGTH / degree * width * runtime.activation_bytes
    assert sent("context", degree) == pytest.approx(3 * (degree - 1) * rank * float(llama8b.layers))


@pytest.mark.parametrize("degree", [2, 8])
def test_tokens_go_to_their_experts_and_back(sent, deepseek_v3, runtime, degree) -> None:
    # within a domain: a copy for each expert visited, of which one in n stays; there and back, forward and backward
    copies = float(deepseek_v3.experts_per_token) * (1 - 1 / degree)
    message = BATCH * LENGTH / degree * float(deepseek_v3.hidden) * runtime.activation_bytes
    expected = 4 * copies * message * float(deepseek_v3.moe_layers)
    assert sent("expert", degree, deepseek_v3) == pytest.approx(expected)


@given(st.sampled_from(["llama8b", "deepseek_v3", "gpt3"]), st.sampled_from([8, 48, 1024]))
@settings(max_examples=12)
def test_the_table(h100, runtime, request, name, accelerators) -> None:
    shape = request.getfixturevalue(name)
    table = ratios_of(shape, h100, runtime, accelerators, 192, LENGTH)
    assert [row.form.key for row in table] == [f.key for f in FORMS if f.key != "expert" or shape.experts]
    for row in table:
        assert row.degree == degrees_of(row.form, shape, h100, accelerators, 192, LENGTH)[-1]
        assert 1 < row.degree <= accelerators
        assert row.volume > 0
        assert row.ratio == pytest.approx(row.communication / row.computation)
        assert row.crosses == (row.degree > 8)
        plan = plan_alone(row.form, row.degree, 192, LENGTH)
        made = estimate(shape, h100, plan, runtime)
        assert float(made.accelerators) == row.degree
        assert row.memory == float(made.memory.peak)


def test_a_given_degree_is_not_passed(llama8b, h100, runtime) -> None:
    table = ratios_of(llama8b, h100, runtime, 1024, 192, LENGTH, degree=12)
    assert {row.degree for row in table} == {8}
    assert not any(row.crosses for row in table)


def test_out_of_the_domain_it_takes_longer(llama8b, h100, runtime) -> None:
    far = replace(h100, scaleup_domain=1.0)
    for form in FORMS[:5]:
        near, out = (ratio_of(form, 8, llama8b, h, runtime, BATCH, LENGTH) for h in (h100, far))
        assert out.volume == pytest.approx(near.volume)
        assert out.communication > near.communication and out.ratio > near.ratio
