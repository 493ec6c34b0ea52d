"""The web page: Gradio and nothing else. No other room imports gradio."""
