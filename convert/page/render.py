"""Templates become pages."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, StrictUndefined

from convert.text import encodable


def rendered(template: str, **values: object) -> str:
    """Return the page that a template, by its path in `convert`, makes of values; all that is text is escaped."""
    environment = Environment(
        loader=PackageLoader("convert", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return encodable(environment.get_template(template).render(**values))
