"""What does this program really compute?"""

from simplify.exact import Simplified, canonical, simplify

__all__ = ["Simplified", "canonical", "simplify"]
