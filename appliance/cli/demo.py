"""``kustos demo``: synthetic candidates over real WebRTC, so that a proctor sees a living wall."""

import asyncio

import click


@click.group()
def demo() -> None:
    """Play with the demo company."""


@demo.command()
@click.argument("count", type=click.IntRange(1, 64))
@click.option("--exam", type=click.Choice(["online", "auto"]), default="online", show_default=True)
@click.option("--url", default="http://localhost:8080", show_default=True, help="Address of the running appliance.")
@click.option("--clip", type=click.Path(exists=True, dir_okay=False), default=None, help="Clip to play as webcam.")
@click.option("--seconds", default=0, help="Leave after this time [default: when the exam is over, or Ctrl-C].")
@click.option("--data", default=None, help="Data folder of `kustos up`, if it is not ./.data.")
def candidates(count: int, exam: str, url: str, clip: str | None, seconds: int, data: str | None) -> None:
    """Let COUNT synthetic candidates sit the demo's exam."""
    from appliance.cli.crowd import Crowd  # noqa: PLC0415 - loads GStreamer

    crowd = Crowd(url, exam, clip, data)
    try:
        asyncio.run(crowd.sit(count, seconds))
    except KeyboardInterrupt:
        click.echo("The candidates left.")
