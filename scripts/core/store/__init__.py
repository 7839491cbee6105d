"""What was compiled and measured on this machine, kept for every checkout of this user: asked again, it is answered.

    python -m scripts.core.store {list,show,explain,verify,prune,export,import}

An entry is found by what its making depended on (`ingredients`), named and hashed. It is whole or absent, verified
whenever it is read, and copied: a checkout never shares bytes with the store.
"""
