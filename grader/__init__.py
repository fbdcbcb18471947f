"""An engine that judges functions people write: it names a mistake only when it has computed it.

It knows no subject. What is asked, and what is right and wrong about it, comes in a `Catalogue`.
"""
