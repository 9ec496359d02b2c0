"""The source of the n8n workflows: ``python3 -m tools.n8n`` writes them to ``n8n/``.

Each file of ``n8n/`` works on its own, so that it can be imported on its own. What all of them need – a signature that
is verified, a call that is tried until it arrives – is written once, here: ``parts``. The code of their Code nodes is
in ``code``, what is written beside the nodes in ``notes``; ``workflows`` puts them together.
"""
