"""Starts Clarity Lab's page: `python app.py`. Also the entry of a Hugging Face Space."""

import argparse


def main() -> None:
    parser = argparse.ArgumentParser(description="Clarity Lab: one blurred picture, restored by many methods, side by side.")
    parser.add_argument("--host", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, help="port (default: the first free one from 7860)")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto", help="where networks run (default: auto)")
    parser.add_argument("--share", action="store_true", help="make a temporary public address through Gradio")
    choice = parser.parse_args()

    from lab.errors import LabError
    from lab.ui.app import launch  # takes seconds, so only once the arguments are understood

    try:
        launch(choice.host, choice.port, choice.device, choice.share)
    except LabError as error:
        parser.exit(1, f"{error}\n")


if __name__ == "__main__":
    main()
