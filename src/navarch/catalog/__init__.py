"""Facts as data: hardware, models, places, prices, failure rates and constants, each with unit, source and date."""

from navarch.catalog.errors import CatalogError
from navarch.catalog.loader import Catalog, load

__all__ = ["Catalog", "CatalogError", "load"]
