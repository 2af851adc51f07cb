"""Run folders made by hand, through the same machinery as those of commands."""

import json

import numpy as np
from PIL import Image

from constructions.proof.certificate import data_digest, network_digest
from geomcore import ReLUNetwork, datasets
from geomcore.arrays import as_labels, as_points
from training.output.folder import RunFolder
from training.study.planning.columns import Columns

PAGE = """<!doctype html>
<html lang="en"><head><title>{title}</title><style>p {{ color: red }}</style></head>
<body>
<h1>{title}</h1>
<p>An introduction.</p>
{content}
<footer><p><code>geomcore verify net.npz wine</code>, seed 0, today.</p></footer>
</body></html>
"""
CONTENT = """<h2 id="wine">wine</h2>
<p class="summary" data-of="wine">The verdict is &ldquo;saddle&rdquo;, <b>proved</b>.
<small>Small.</small></p>
<div class="wide"><table>
<tr><th class="words">name</th><th>loss</th></tr>
<tr><td class="words"><a href="#wine">b</a></td><td>1.5e-3</td></tr>
<tr><td class="words">a10</td><td>-</td></tr>
<tr><td class="words">a9</td><td>\u22122</td></tr>
<tr><td class="words">c</td><td>1,200 to 1,300</td></tr>
</table></div>
<figure><div class="picture"><img src="wine-outputs.png" alt="Dots &amp; lines"></div>
<figcaption>The answers. (<a href="wine-outputs.svg">SVG</a>)</figcaption></figure>
<pre>{text}</pre>
""".replace("{text}", "a long line that is wider than any small screen " * 5)


def stored_run(path, *, command="verify", title="A network", content=CONTENT, seed=0, **arguments):
    """Make a run folder with a page, a table and a picture; return its path."""
    with RunFolder(path, command, {"data": "wine", **arguments}, seed) as run:
        run.table("table", [{"data": "wine", "loss": 0.5}])
        picture(run.file("wine-outputs.png"))
        run.text("index.html", PAGE.format(title=title, content=content))
        run.publish()
    return path


def picture(path, size=(60, 40)):
    """Write a small picture."""
    shade = np.linspace(0, 255, size[0] * size[1]).reshape(size[::-1])
    Image.fromarray(shade.astype(np.uint8)).save(path)


def run_in_space(path, *, study=False):
    """Make a run folder with a network from R^3 to R^3, of which a certificate speaks.

    A study standardises the data, numbers its networks and keeps the data as they were given.
    """
    given = datasets.clusters(rng=0)
    data = given._replace(X=Columns.of(given.X)(given.X)) if study else given
    shift = np.full(3, 0.1)
    net = ReLUNetwork([np.eye(3), np.eye(3)], [shift, np.zeros(3)])
    labels = as_labels(data.y, len(data.X))
    stated = {"network": network_digest(net), "data": data_digest(as_points(data.X), labels)}
    command, more = ("study", {"standardize": True}) if study else ("verify", {})
    with RunFolder(path, command, {"data": "clusters", **more}, 0) as run:
        run.network("network-0" if study else "network", net)
        if study:
            np.savez(run.file("data.npz"), X=given.X, y=given.y)
        run.text("certificate.json", json.dumps({**stated, "widths": [3, 3, 3]}))
        picture(run.file("clusters-outputs.png"))
        content = CONTENT.replace("wine-", "clusters-")
        run.text("index.html", PAGE.format(title="In space", content=content))
        run.publish()
    return path, net, data
