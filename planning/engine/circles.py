"""Finds what stands on a circle of arcs, pegs and queues among the operations left unfixed."""

from __future__ import annotations

from collections.abc import Sequence


def circles(followers: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components that hold a circle, each sorted, by first member.

    followers  for each node 0..n-1 the nodes that wait for it.

    Source: Tarjan (1972), SIAM J. Comput. 1:146-160, written without recursion.
    """
    size = len(followers)
    index = [-1] * size
    low = [0] * size
    on_stack = [False] * size
    stack: list[int] = []
    found: list[list[int]] = []
    count = 0
    for root in range(size):
        if index[root] >= 0:
            continue
        walk = [(root, 0)]
        while walk:
            node, edge = walk.pop()
            if edge == 0:
                index[node] = low[node] = count
                count += 1
                stack.append(node)
                on_stack[node] = True
            for at in range(edge, len(followers[node])):
                other = followers[node][at]
                if index[other] < 0:
                    walk.append((node, at + 1))
                    walk.append((other, 0))
                    break
                if on_stack[other]:
                    low[node] = min(low[node], index[other])
            else:
                if low[node] == index[node]:
                    members: list[int] = []
                    while True:
                        member = stack.pop()
                        on_stack[member] = False
                        members.append(member)
                        if member == node:
                            break
                    if len(members) > 1 or node in followers[node]:
                        found.append(sorted(members))
                if walk:
                    parent = walk[-1][0]
                    low[parent] = min(low[parent], low[node])
    return sorted(found)
