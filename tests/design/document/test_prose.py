"""A number in prose that is not in the ledger cannot be written."""

from __future__ import annotations

import pytest

from navarch.design.document import Label, Number, Prose, ProseError, join, number, prose, say, strong, table
from navarch.design.document.prose import Text


@pytest.mark.parametrize("template", ["It takes 3 days.", "½ of it", "area in m²", "p99", "٣ days", "ten to the ⁶"])
def test_digits_in_literals_are_refused(template):
    with pytest.raises(ProseError, match="digit"):
        say(template)
    with pytest.raises(ProseError, match="digit"):
        Text(template)
    with pytest.raises(ProseError, match="digit"):
        prose(template)


def test_digits_are_refused_wherever_text_is_given(fleet):
    with pytest.raises(ProseError):
        table(["Part", "Value"], [["Stage 1", fleet.q["step"]]])
    with pytest.raises(ProseError):
        table(["Top 5", "Value"], [["Stage", fleet.q["step"]]])


@pytest.mark.parametrize("given", [3, 3.0, "3 days", "H100", None, True])
def test_placeholders_take_only_what_has_an_origin(given):
    with pytest.raises(ProseError):
        say("It takes {x}.", x=given)


def test_arithmetic_on_a_value_loses_its_origin_and_is_refused(fleet):
    with pytest.raises(ProseError, match="no entry"):
        say("It takes {x}.", x=fleet.q["step"] * 2)
    with pytest.raises(ProseError, match="no entry"):
        number(fleet.q["step"] + 1)


def test_templates_and_what_they_are_given_must_fit(fleet):
    with pytest.raises(ProseError, match="given nothing"):
        say("It takes {x}.")
    with pytest.raises(ProseError, match="does not use y"):
        say("It takes {x}.", x=fleet.q["step"], y=fleet.q["mfu"])
    with pytest.raises(ProseError, match="given nothing"):
        say("It takes {x.entry}.", x=fleet.q["step"])
    with pytest.raises(ProseError, match="not a form"):
        say("It takes {x:GB}.", x=fleet.q["step"])
    with pytest.raises(ProseError, match="not closed"):
        say("It is **strong.")


def test_forms_of_a_number(fleet):
    (made,) = say("{x:+~.2}", x=fleet.q["step"]).parts
    assert made == Number(fleet.q["step"].entry, 2, signed=True, interval=True)


@pytest.mark.parametrize("text", ["80 GB", "12", "41 %", "3.5 h", "16,384", "50 GB/s"])
def test_labels_of_the_code_are_no_quantities(text):
    with pytest.raises(ProseError, match="quantity"):
        Label(text)
    assert Label(text, "design file").text == text


@pytest.mark.parametrize("text", ["H100", "1F1B", "ZeRO 1", "p99", "DGX H100", "Llama 3.1 405B", "3-D torus"])
def test_labels_may_hold_digits(text):
    assert say("On {x}.", x=Label(text)).parts[1] == Label(text)


def test_composition(fleet):
    made = join([say("{a} of time", a=fleet.q["step"]), "money", Label("H100")])
    assert [type(p).__name__ for p in made.parts] == ["Number", "Text", "Text", "Text", "Text", "Label"]
    assert all(p.strong for p in strong(made).parts)
    assert say("**Missed:** it").parts == (Text("Missed:", True), Text(" it"))
    assert not Prose() and prose("CO₂e is allowed")
