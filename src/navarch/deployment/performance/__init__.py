"""Performance: how work scales, what bounds it, and what waiting follows.

`estimate` holds the scaling laws (Amdahl, Gustafson, universal), efficiencies, the roofline of several nodes and
Little's law; `bound` puts resource times side by side and names the one that binds.
"""

from navarch.deployment.performance.bound import Bottleneck, ClusterRoofline, bottleneck, cluster_roofline

__all__ = ["Bottleneck", "ClusterRoofline", "bottleneck", "cluster_roofline"]
