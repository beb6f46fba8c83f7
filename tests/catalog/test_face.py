"""What the catalog shows, and a config taken into a user's file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from navarch.catalog import CatalogError, load
from navarch.catalog.face import describe, import_config, rows

CONFIG = {
    "model_type": "llama", "hidden_size": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 100,
    "max_position_embeddings": 128, "intermediate_size": 256,
}  # fmt: skip


def config(folder: Path) -> Path:
    path = folder / "tiny.json"
    path.write_text(json.dumps(CONFIG))
    return path


def test_rows_name_every_entry() -> None:
    catalog = load()
    listed = rows(catalog, "fabric")
    assert len(listed) == len(catalog.ids("fabric"))
    assert listed[0][:2] == ("nvlink2", "NVLink 2 (per V100, 6 links)")


def test_every_line_of_an_entry_has_its_source() -> None:
    lines = {line.attribute: line for line in describe(load(), "node", "dgx-h100")}
    assert lines["power"].shown == "10.2 kW"
    assert (lines["price"].low, lines["price"].kind) != ("", "datasheet")
    assert lines["accelerator"].shown == "h100-sxm"
    assert all(line.source for line in lines.values())


@pytest.mark.parametrize("collection", load().collections)
def test_every_entry_can_be_shown(collection: str) -> None:
    catalog = load()
    for name in catalog.ids(collection):
        assert describe(catalog, collection, name)


def test_an_imported_config_is_a_user_file(tmp_path: Path) -> None:
    target = tmp_path / "mine" / "catalog.yaml"
    assert import_config(config(tmp_path), target) == "tiny"
    assert import_config(config(tmp_path), target, "Tiny Two") == "tiny-two"
    catalog = load([target])
    assert catalog.get("model", "tiny").hidden.value == 64
    assert catalog.get("model", "tiny-two").name == "Tiny Two"
    assert [p.name for p in target.parent.iterdir()] == ["catalog.yaml"]


def test_an_import_keeps_what_the_file_holds(tmp_path: Path) -> None:
    target = tmp_path / "catalog.yaml"
    target.write_text("collection: node\nunits: {power: kW}\nentries:\n  - {id: dgx-h100, power: 11}\n")
    import_config(config(tmp_path), target)
    catalog = load([target])
    assert catalog.fact("node", "dgx-h100", "power").value == 11000
    assert catalog.get("model", "tiny").layers.value == 2


def test_an_import_that_fails_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "catalog.yaml"
    import_config(config(tmp_path), target)
    before = target.read_bytes()
    with pytest.raises(CatalogError, match="is there already"):
        import_config(config(tmp_path), target)
    (tmp_path / "bad.json").write_text(json.dumps({**CONFIG, "index_n_heads": 4}))
    with pytest.raises(CatalogError, match="DSA"):
        import_config(tmp_path / "bad.json", target)
    assert target.read_bytes() == before
