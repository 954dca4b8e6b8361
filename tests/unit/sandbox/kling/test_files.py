import io

from PIL import Image

from modelgate.sandbox.kling.files import has_file, make_file
from modelgate.sandbox.kling.order import KlingOrder
from modelgate.sandbox.videos import frame_of

VIDEO = KlingOrder(kind="text2video", model="kling-v1", prompt="a fox", seconds=1, width=320, height=180)
PICTURES = KlingOrder(model="kling-v1", prompt="a fox\nmagic: slow-task", n=2, ratio="3:2")


def test_which_files_there_are() -> None:
    assert [has_file(PICTURES, index=index, kind="png") for index in range(3)] == [True, True, False]
    assert not has_file(PICTURES, index=0, kind="mp4")
    assert [has_file(VIDEO, index=index, kind="mp4") for index in range(2)] == [True, False]
    assert not has_file(VIDEO, index=0, kind="png")


def test_pictures_and_videos_have_their_shape() -> None:
    assert Image.open(io.BytesIO(make_file(PICTURES, index=1))).size == (1008, 672)
    assert Image.open(io.BytesIO(frame_of(make_file(VIDEO, index=0)))).size == (320, 180)
