import json

import pytest

from constructions import Certificate, verify
from constructions.proof.certificate import LOSS_NAMES
from geomcore import ReLUNetwork

NET = ReLUNetwork([[[-1.0]], [[1.0]]], [[1.0], [0.0]])
X, Y = [[0.0], [2.0], [3.0]], [[1.0], [0.0], [0.0]]
WORDS = {"mse": "plain", "class_weighted": "class-weighted"}

# By hand


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_version_1_has_its_own_words_for_the_losses(loss):
    found = verify(NET, X, Y, loss=loss)
    assert found.loss_name == loss
    fields = json.loads(found.to_json())
    assert list(fields)[:5] == ["format", "version", "verdict", "proved", "cost"]
    assert fields["version"] == 1 and fields["cost"] == WORDS[loss]
    assert "loss_name" not in fields and isinstance(fields["loss"], float)


# Laws


@pytest.mark.parametrize("loss", LOSS_NAMES)
def test_the_name_of_the_loss_survives_json(loss):
    found = verify(NET, X, Y, loss=loss)
    again = Certificate.from_json(found.to_json())
    assert again == found and again.loss_name == loss
    assert again.to_json() == found.to_json()


# Bad input


@pytest.mark.parametrize("word", ["mse", "class_weighted", "", None, ["plain"]])
def test_other_words_than_those_of_the_format_are_refused(word):
    fields = json.loads(verify(NET, X, Y).to_json())
    with pytest.raises(ValueError, match="no valid cost"):
        Certificate.from_json(json.dumps(fields | {"cost": word}))


def test_the_field_of_the_object_is_no_field_of_the_format():
    fields = json.loads(verify(NET, X, Y).to_json())
    fields["loss_name"] = fields.pop("cost")
    with pytest.raises(ValueError, match=r"must have the fields .*'cost'"):
        Certificate.from_json(json.dumps(fields))
