"""Fields that follow from others: no default in the context of a caller sets them."""


def without_defaults(records, names):
    """``records`` without the ``default_…`` of ``names`` in their context."""
    kept = {key: value for key, value in records.env.context.items() if key.removeprefix("default_") not in names}
    return records.with_context(kept)  # pylint: disable=context-overridden
