"""Small images as one large picture: every pixel is where it belongs."""

import numpy as np
import pytest
import torch

from fmtutorial.plotting import INK, mosaic, plot_images


def test_a_mosaic_keeps_every_pixel_in_its_place():
    x = torch.arange(5 * 9.0).reshape(5, 9)
    sheet = mosaic(x, columns=3, low=-1.0)
    assert sheet.shape == (2 * 4 - 1, 3 * 4 - 1)
    for k in range(5):
        row, column = divmod(k, 3)
        assert (sheet[4 * row : 4 * row + 3, 4 * column : 4 * column + 3] == x[k].reshape(3, 3).numpy()).all()
    assert (sheet[3] == -1).all() and (sheet[:, 7] == -1).all() and (sheet[4:, 8:] == -1).all()
    assert (np.asarray(plot_images(x, columns=3, limits=(-1.0, 1.0)).images[0].get_array()) == sheet).all()


def test_a_row_of_images_is_as_long_as_its_columns():
    x = torch.zeros(4, 25)
    assert mosaic(x, columns=4).shape == (5, 4 * 6 - 1)
    assert mosaic(x, columns=1).shape == (4 * 6 - 1, 5)


def test_white_paper_and_black_ink_at_the_limits():
    ax = plot_images(torch.tensor([[-2.0, 2.0, 0.0, 0.0]]), columns=1)
    (image,) = ax.images
    assert image.get_clim() == (-2.0, 2.0) and image.get_cmap().name == INK
    pixels = image.to_rgba(image.get_array())
    np.testing.assert_allclose(pixels[0, 0, :3], 1.0)
    np.testing.assert_allclose(pixels[0, 1, :3], 0.0)
    assert not ax.axison


@pytest.mark.parametrize("shape", [(3, 8), (9,), (2, 3, 3)])
def test_what_is_no_square_image_is_refused(shape):
    with pytest.raises(ValueError, match="x must have the shape"):
        mosaic(torch.zeros(shape))


def test_no_column_at_all_is_refused():
    with pytest.raises(ValueError, match="columns"):
        mosaic(torch.zeros(2, 9), columns=0)
