import numpy as np

from convert.estimator.floats import from_ordinal, ordinal

NUMBERS = np.array([-np.inf, -1e308, -1.0, -5e-324, 0.0, 5e-324, 1.0, np.nextafter(1.0, 2.0), 1e308, np.inf])


def test_places_are_in_the_order_of_the_numbers_and_lead_back() -> None:
    places = ordinal(NUMBERS)
    assert (np.diff(places.astype(object)) > 0).all()
    np.testing.assert_array_equal(from_ordinal(places), NUMBERS)


def test_neighbours_are_one_apart() -> None:
    above = np.nextafter(NUMBERS[1:-1], np.inf)
    assert (ordinal(above) - ordinal(NUMBERS[1:-1]) == 1).all()
    assert ordinal(np.float64(0.0)) == 0
