"""What `engines build` and `engines list` print: each engine with its source, its plans and its certificate."""

from __future__ import annotations

from typing import Any

from edge_runtime.certify.gate import distrusted_now
from engines.errors import EngineError
from engines.fetch import onnx_path
from engines.manifest import load_manifest
from engines.plans import certificates, chosen, engines_with_terms


def built(names: tuple[str, ...], made: tuple[str, ...]) -> dict[str, Any]:
    """Chosen plan, table and trust by engine; `built` names those of this run, `trusted` whether all of `names` are."""
    doubts = {found.engine: found.text for found in distrusted_now(names)}
    engines: dict[str, Any] = {}
    for name in names:
        pair = chosen(name)
        engines[name] = {
            "chosen": pair[1].chosen if pair else None,
            "table": list(pair[1].table) if pair else [],
            "budget_ms": engines_with_terms()[name].latency_budget_ms,
            "certificate": str(pair[0] / "certificate.json") if pair else None,
            "distrust": doubts.get(name, ""),
        }
    return {"engines": engines, "built": list(made), "trusted": not any(name in doubts for name in names)}


def listed() -> dict[str, Any]:
    """Every network of the manifest: where from, licence, checksum, card, precisions, plans in the cache."""
    manifest = load_manifest()
    doubts = {found.engine: found.reason for found in distrusted_now(tuple(engines_with_terms()))}
    engines: dict[str, Any] = {}
    for name, spec in manifest.engines.items():
        asset, terms = manifest.assets[spec.asset], spec.terms
        engines[name] = {
            "file": _file(name),
            "source": asset.member if asset.in_zoo else f"{asset.distribution}: {asset.member}",
            "sha256": asset.sha256,
            "licence": asset.licence,
            "inputs": {t.name: list(t.shape) for t in spec.inputs},
            "outputs": {t.name: list(t.shape) for t in spec.outputs},
            "card": terms.card if terms else None,
            "precisions": list(terms.precisions) if terms else [],
            "plans": {str(folder): c.candidate for folder, c in certificates(name)},
            "trust": doubts.get(name, "certified") if terms else "not used by the runtime",
        }
    return {"engines": engines}


def _file(name: str) -> str | None:
    """Where a network lies, None where it is not fetched."""
    try:
        return str(onnx_path(name))
    except EngineError:
        return None
