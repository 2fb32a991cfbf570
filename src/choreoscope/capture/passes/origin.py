"""What files of a pass say of the model that made them."""


def origin_of(model: object) -> dict[str, str]:
    """Header attributes that name where the numbers come from.

    Parameters
    ----------
    model : object
        A pass model. One with an attribute ``origin`` says it itself ("proxy": rendered from the
        solved bodies and floor, not from the film); others are named by their type.
    """
    return {"origin": str(getattr(model, "origin", type(model).__name__))}
