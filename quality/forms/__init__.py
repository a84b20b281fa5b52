"""Scoring forms 质检表. Begin with `definitions`; `reading` reads a form's TOML, `library` keeps every version.

`complaint.toml` is the form for a complaint hotline that comes with the product.
"""
