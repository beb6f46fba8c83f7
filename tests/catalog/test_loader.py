"""The loader: users' own files, near matches, and one clear message for whatever is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from navarch.catalog import CatalogError, load

NODE = """
collection: node
units: {power: kW, price: USD}
entries:
  - id: %s
    accelerator: h100-sxm
    accelerators: 8
    power: 9.5
    price: {value: 250000, low: 200000, high: 300000, kind: estimate, source: our quotation}
"""


def written(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def failure(folder: Path, text: str | bytes) -> str:
    path = folder / "mine.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(CatalogError) as caught:
        load([path])
    message = str(caught.value)
    assert "mine.yaml" in message
    assert len(message.splitlines()) == 1
    return message


def test_a_user_adds_an_entry(tmp_path: Path) -> None:
    catalog = load([written(tmp_path, NODE % "our-node")])
    node = catalog.get("node", "our-node")
    assert node.power.value == 9500
    assert (node.price.low, node.price.source) == (200000, "our quotation")
    assert node.power.source == "user's file mine.yaml"
    assert node.power.kind == "estimate"
    assert "our-node" in catalog.ids("node") and "dgx-h100" in catalog.ids("node")


def test_a_user_replaces_only_what_he_gives(tmp_path: Path) -> None:
    text = "collection: node\nentries:\n  - {id: dgx-h100, price: 310 kUSD}\n"
    node = load([written(tmp_path, text)]).get("node", "dgx-h100")
    shipped = load().get("node", "dgx-h100")
    assert node.price.value == 310000
    assert node.power == shipped.power and node.name == shipped.name and node.accelerator == "h100-sxm"


def test_a_user_replaces_a_constant(tmp_path: Path) -> None:
    name = load().ids("constant")[0]
    unit = load().fact("constant", name).unit
    text = f"collection: constant\nentries:\n  - {{id: {name}, value: 0.5, unit: {unit!r}, source: measured here}}\n"
    fact = load([written(tmp_path, text)]).fact("constant", name)
    assert (fact.value, fact.unit, fact.source) == (0.5, unit, "measured here")


def test_a_folder_and_several_documents_in_a_file(tmp_path: Path) -> None:
    region = (
        "collection: region\nentries:\n  - {id: here, provider: us, place: Here, country: X, lat: 1, lon: 2, pue: 1.3}"
    )
    written(tmp_path, f"{NODE % 'one'}\n---\n{region}\n", "a.yaml")
    written(tmp_path, NODE % "two", "b.yml")
    catalog = load([tmp_path])
    assert catalog.get("region", "here").pue.value == 1.3
    assert {"one", "two"} <= set(catalog.ids("node"))


def test_texts_with_units_and_intervals(tmp_path: Path) -> None:
    text = """
collection: region
entries:
  - {id: here, provider: us, place: Here, country: X, lat: 1, lon: 2,
     electricity_price: {value: 0.08 USD/kWh, low: 0.05, high: 0.14 USD/kWh}, grid_intensity: 300 gCO2e/kWh}
"""
    region = load([written(tmp_path, text)]).get("region", "here")
    price = region.electricity_price
    assert [price.value, price.low, price.high] == pytest.approx([0.08 / 3.6e6, 0.05 / 3.6e6, 0.14 / 3.6e6])
    assert region.grid_intensity.value == pytest.approx(0.3 / 3.6e6)


def test_near_matches_are_named() -> None:
    catalog = load()
    with pytest.raises(CatalogError, match="did you mean 'h100-sxm'"):
        catalog.get("accelerator", "h100-sxn")
    with pytest.raises(CatalogError, match="did you mean 'bf16'"):
        catalog.fact("accelerator", "h100-sxm", "bf1")
    with pytest.raises(CatalogError, match="accelerator"):
        catalog.get("acelerator", "h100-sxm")
    with pytest.raises(CatalogError, match="is not known; it has"):
        catalog.fact("accelerator", "cerebras-wse3", "bf16")
    with pytest.raises(CatalogError, match="interruptions"):
        catalog.table("interruption")


BAD = {
    "unknown field": ((NODE % "x").replace("power: 9.5", "pover: 9.5"), ["pover", "'power'", "node 'x'"]),
    "negative": ((NODE % "x").replace("power: 9.5", "power: -9.5"), ["power", "negative"]),
    "wrong unit": ((NODE % "x").replace("power: 9.5", "power: 9.5 GB"), ["power", "W"]),
    "wrong unit of a column": ((NODE % "x").replace("power: kW", "power: GB"), ["power"]),
    "ambiguous number": ((NODE % "x").replace("power: 9.5", "power: '9,5 kW'"), ["power", "comma"]),
    "not a number": ((NODE % "x").replace("power: 9.5", "power: [1, 2]"), ["power", "number"]),
    "not finite": ((NODE % "x").replace("power: 9.5", "power: .inf"), ["power", "finite"]),
    "no unit": ((NODE % "x").replace("units: {power: kW, price: USD}", "units: {price: USD}"), ["power", "unit"]),
    "interval": ((NODE % "x").replace("low: 200000", "low: 260000"), ["price", "between low"]),
    "kind": ((NODE % "x").replace("kind: estimate", "kind: guess"), ["price", "guess", "datasheet"]),
    "key of a fact": ((NODE % "x").replace("kind: estimate", "sort: estimate"), ["price", "sort", "source"]),
    "missing field": ((NODE % "x").replace("    accelerator: h100-sxm\n", ""), ["accelerator", "missing"]),
    "collection": (NODE.replace("collection: node", "collection: nodes") % "x", ["nodes", "allowed", "node"]),
    "key of the header": ("colection: node\nentries: []\n", ["colection"]),
    "entries": ("collection: node\nentries: {a: 1}\n", ["entries", "list"]),
    "no id": ("collection: node\nentries:\n  - {name: x}\n", ["entry 1", "id"]),
    "id given twice": ("collection: node\nentries:\n  - {id: dgx-h100}\n  - {id: dgx-h100}\n", ["dgx-h100", "twice"]),
    "key given twice": ("collection: node\ncollection: node\nentries: []\n", ["collection", "twice", "line"]),
    "truncated": ((NODE % "x")[:-20], ["YAML", "line"]),
    "text": ("just words", ["mapping"]),
    "number": ("42", ["mapping"]),
    "control characters": (b"collection: \x00\x01", ["YAML"]),
    "not unicode": (b"collection: \xff\xfe\xfa", ["YAML"]),
    "python object": ("!!python/object/apply:os.system ['true']", ["YAML"]),
    "unknown source": ("collection: node\nentries:\n  - {id: dgx-h100, from: nowhere}\n", ["nowhere", "sources"]),
    "deeply nested": ("[" * 20000, ["mine.yaml"]),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_gives_one_message(tmp_path: Path, what: str) -> None:
    text, words = BAD[what]
    message = failure(tmp_path, text)
    for word in words:
        assert word in message, message


def test_a_missing_file_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="no such catalog file"):
        load([tmp_path / "nothing.yaml"])
    with pytest.raises(CatalogError, match=r"no \.yaml file"):
        load([tmp_path])


def test_an_empty_file_adds_nothing(tmp_path: Path) -> None:
    assert load([written(tmp_path, "")]).ids("node") == load().ids("node")


def test_models_must_agree_with_themselves(tmp_path: Path) -> None:
    base = "collection: model\nentries:\n  - {id: m, layers: 2, hidden: 64, heads: 4, kv_heads: 4, head_dim: 16, "
    for rest, word in (
        ("norms_per_layer: 2}", "ffn_hidden"),
        ("norms_per_layer: 2, ffn_hidden: 128, experts: 4}", "experts_per_token"),
        ("norms_per_layer: 2, ffn_hidden: 128, attention: mla}", "mla_kv_lora"),
        ("norms_per_layer: 2, ffn_hidden: 128.5}", "whole number"),
    ):
        assert word in failure(tmp_path, base + rest)
    assert "exceeds" in failure(
        tmp_path, base.replace("kv_heads: 4", "kv_heads: 8") + "norms_per_layer: 2, ffn_hidden: 8}"
    )
    assert "at least 1" in failure(
        tmp_path, base.replace("kv_heads: 4", "kv_heads: 0") + "norms_per_layer: 2, ffn_hidden: 8}"
    )


def test_search_finds_words_in_any_order() -> None:
    catalog = load()
    assert ("accelerator", "h100-sxm", "NVIDIA H100 SXM5 80GB") in catalog.search("sxm5 nvidia")
    assert catalog.search("no such thing anywhere") == []


def test_a_collection_is_read_only_when_it_is_asked_for() -> None:
    catalog = load()
    catalog.get("accelerator", "h100-sxm")
    assert set(catalog._raw) == {"accelerator"}


TABLE = 'collection: constant\nsources:\n  ours: {source: our bench, date: "2026", kind: measured}\ntable: mine.csv\n'


def test_a_table_beside_a_file_holds_entries(tmp_path: Path) -> None:
    cells = [
        "id,title,value,unit,low,high,kind,from,note",
        'a.b,"One, two",3,us,2,4,,ours,once',
        "a.c,C,5 ms,,,,estimate,ours,",
    ]
    written(tmp_path, "\n".join(cells), "mine.csv")
    catalog = load([written(tmp_path, TABLE)])
    fact = catalog.fact("constant", "a.b")
    assert [fact.value, fact.low, fact.high] == pytest.approx([3e-6, 2e-6, 4e-6])
    assert (fact.unit, fact.title, fact.note) == ("s", "One, two", "once")
    assert (fact.source, fact.date, fact.kind) == ("our bench", "2026", "measured")
    other = catalog.fact("constant", "a.c")
    assert (other.value, other.kind, other.low) == (5e-3, "estimate", None)


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ("id,value,unit\na,1\n", "mine.csv, line 2: 2 cells under 3 columns"),
        ("id,value,unit\na,1,s\na,2,s\n", "the constant 'a' is given twice"),
        ("id,value,unit\n,1,s\n", "entry 1 must be a mapping with an id"),
        ("id,value,unit,colour\na,1,s,red\n", "mine.csv: constant 'a': colour: unknown field"),
        ('id,value,unit\n"a,1,s\n', "mine.csv: not a valid table"),
        (None, "mine.csv: cannot be read"),
    ],
)
def test_a_table_that_is_wrong_says_where(tmp_path: Path, cells: str | None, told: str) -> None:
    if cells is not None:
        written(tmp_path, cells, "mine.csv")
    with pytest.raises(CatalogError) as caught:
        load([written(tmp_path, TABLE)])
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["../mine.csv", "/etc/passwd", "mine.txt", "[a]", "7"])
def test_a_table_lies_beside_its_file(tmp_path: Path, name: str) -> None:
    assert "must be the name of a .csv file in the same folder" in failure(tmp_path, TABLE.replace("mine.csv", name))
