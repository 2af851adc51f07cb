import zipfile

import pytest
from builders import random_network

pytest.importorskip("torch")

import torch

from geomcore import from_torch, load, save, to_torch

# By hand


@pytest.mark.parametrize("wrap", [None, "state_dict", "model_state_dict"])
def test_files_of_torch_save_are_read(tmp_path, wrap):
    net = random_network((2, 3, 1))
    state = to_torch(net).state_dict()
    torch.save(state if wrap is None else {wrap: state, "epoch": 3}, tmp_path / "net.pt")
    with pytest.warns(UserWarning, match="ReLU is taken"):
        assert load(tmp_path / "net.pt") == net


def test_a_file_written_here_is_one_of_pytorch(tmp_path):
    net = random_network((2, 3, 1))
    save(net, tmp_path / "net.pth")
    model = to_torch(random_network((2, 3, 1), 1))
    model.load_state_dict(torch.load(tmp_path / "net.pth"))
    assert from_torch(model) == net


# Bad input


class Marked:
    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), "w")


def test_nothing_is_executed_and_whole_modules_are_refused(tmp_path):
    path, mark = tmp_path / "net.pt", tmp_path / "mark"
    for content in ({"fc.weight": Marked(mark)}, torch.nn.Sequential(torch.nn.Linear(1, 1))):
        torch.save(content, path)
        with pytest.raises(ValueError, match=r"must hold a state dict, as torch.save\(model.state"):
            load(path)
        assert not mark.exists()


def test_programs_old_files_lists_and_texts_are_refused(tmp_path):
    path = tmp_path / "net.pt"
    state = to_torch(random_network((1, 1))).state_dict()
    torch.save(state, path, _use_new_zipfile_serialization=False)
    with pytest.raises(ValueError, match=r"must be a file that torch.save wrote \(PyTorch 1.6"):
        load(path)
    path.write_text("hello")
    with pytest.raises(ValueError, match=r"must be a file that torch.save wrote"):
        load(path)
    torch.save([1], path)
    with pytest.raises(ValueError, match="it holds a list and no state dict"):
        load(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("net/constants.pkl", "")
    with pytest.raises(ValueError, match="it is a program of TorchScript"):
        load(path)


def test_little_files_do_not_take_much_memory(tmp_path):
    path = tmp_path / "net.pt"
    torch.save({"0.weight": torch.ones(1).expand(100_000, 100_000)}, path)
    with pytest.raises(ValueError, match=r"tensor '0.weight' announces 10,000,000,000 numbers"):
        load(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("net/data.pkl", bytes(2**28))
    with pytest.raises(ValueError, match="it would take 268,435,456 bytes"):
        load(path)


def test_names_that_take_pytorch_long_are_not_shown_to_it(tmp_path):
    path = tmp_path / "net.pt"
    for count, sentence in ((10**5, "holds a text of 1"), (2**20, "describes its tensors in 1")):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr("net/data.pkl", b"\x80\2c" + b"x" * count + b"\ny\n.")
        with pytest.raises(ValueError, match=rf"net\.pt must be a file .* it {sentence}"):
            load(path)
