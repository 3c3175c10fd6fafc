// The Merkle tree of RFC 6962: roots, and proofs that an entry is in it or that one tree continues another.
package import Primitives

/// RFC 6962 §2.1. The two prefixes keep a leaf from being taken for a node.
package enum MerkleHash {
    package static let empty = Digest.of([UInt8]())

    package static func leaf(_ data: [UInt8]) -> Digest { Digest.of([0] + data) }

    package static func node(_ left: Digest, _ right: Digest) -> Digest { Digest.of([1] + left.bytes + right.bytes) }
}

/// A complete subtree: the `index`th, from the left, of those with 2^level leaves.
package struct MerkleNode: Hashable, Sendable {
    package var level: Int
    package var index: Int
    package var hash: Digest

    package init(level: Int, index: Int, hash: Digest) {
        self.level = level
        self.index = index
        self.hash = hash
    }
}

/// The right edge of a growing tree: what is needed to append and to know the root, at most one hash per level.
package struct MerkleFrontier: Hashable, Sendable {
    package private(set) var size: Int
    /// The complete subtrees that make up the tree, largest first.
    package private(set) var peaks: [Digest]

    package init() {
        size = 0
        peaks = []
    }

    /// `nil` when a tree of this size does not have this many peaks.
    package init?(size: Int, peaks: [Digest]) {
        guard size >= 0, size < Int.max, size.nonzeroBitCount == peaks.count else { return nil }
        self.size = size
        self.peaks = peaks
    }

    package var root: Digest {
        guard var hash = peaks.last else { return MerkleHash.empty }
        for peak in peaks.dropLast().reversed() { hash = MerkleHash.node(peak, hash) }
        return hash
    }

    /// Every complete subtree that this leaf completes, the leaf itself first.
    package mutating func append(leafHash: Digest) -> [MerkleNode] {
        var nodes = [MerkleNode(level: 0, index: size, hash: leafHash)]
        var hash = leafHash
        var level = 0
        while size >> level & 1 == 1, let left = peaks.popLast() {
            hash = MerkleHash.node(left, hash)
            level += 1
            nodes.append(MerkleNode(level: level, index: size >> level, hash: hash))
        }
        peaks.append(hash)
        size += 1
        return nodes
    }
}

/// Where a complete subtree stands.
package struct MerklePlace: Hashable, Sendable {
    package var level: Int
    package var index: Int

    package init(level: Int, index: Int) {
        self.level = level
        self.index = index
    }
}

/// Proofs. Makers ask for complete subtrees by (level, index), which a store keeps; checkers need nothing but the proof.
///
/// A root says nothing about its tree's size beyond the shape of the path, so checkers take size and root from one signed checkpoint.
package enum MerkleProof {
    /// RFC 6962 §2.1.1: the hashes of the audit path, each as the complete subtrees to hash together from right to left;
    /// `nil` when there is no such leaf in a tree of that size.
    package static func inclusionNodes(of index: Int, in size: Int) -> [[MerklePlace]]? {
        guard index >= 0, index < size else { return nil }
        return path(index, 0, size)
    }

    /// RFC 6962 §2.1.2, in the same form; `nil` unless 0 ≤ from ≤ to. From an empty tree, and to the same one, the proof is empty.
    package static func consistencyNodes(from old: Int, to new: Int) -> [[MerklePlace]]? {
        guard old >= 0, old <= new else { return nil }
        guard old > 0, old < new else { return [] }
        return subproof(old, 0, new, true)
    }

    package static func inclusion<Failure: Error>(
        of index: Int, in size: Int, node: (Int, Int) throws(Failure) -> Digest
    ) throws(Failure) -> [Digest]? {
        guard let pieces = inclusionNodes(of: index, in: size) else { return nil }
        return try hashes(of: pieces, node)
    }

    package static func consistency<Failure: Error>(
        from old: Int, to new: Int, node: (Int, Int) throws(Failure) -> Digest
    ) throws(Failure) -> [Digest]? {
        guard let pieces = consistencyNodes(from: old, to: new) else { return nil }
        return try hashes(of: pieces, node)
    }

    /// RFC 9162 §2.1.3.2.
    package static func verifyInclusion(of leafHash: Digest, at index: Int, in size: Int, root: Digest, proof: [Digest]) -> Bool {
        guard index >= 0, index < size else { return false }
        var place = index, last = size - 1, hash = leafHash
        for sibling in proof {
            guard last > 0 else { return false }
            if place & 1 == 1 || place == last {
                hash = MerkleHash.node(sibling, hash)
                while place & 1 == 0, place != 0 {
                    place >>= 1
                    last >>= 1
                }
            } else {
                hash = MerkleHash.node(hash, sibling)
            }
            place >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    /// RFC 9162 §2.1.4.2.
    package static func verifyConsistency(from old: Int, root oldRoot: Digest, to new: Int, root newRoot: Digest, proof: [Digest]) -> Bool {
        guard old >= 0, old <= new else { return false }
        if old == 0 { return proof.isEmpty && oldRoot == MerkleHash.empty && (new > 0 || newRoot == oldRoot) }
        if old == new { return proof.isEmpty && oldRoot == newRoot }
        var rest = proof[...]
        if old & (old - 1) == 0 { rest = [oldRoot] + rest }
        guard let first = rest.popFirst() else { return false }
        var place = old - 1, last = new - 1
        while place & 1 == 1 {
            place >>= 1
            last >>= 1
        }
        var oldHash = first, newHash = first
        for sibling in rest {
            guard last > 0 else { return false }
            if place & 1 == 1 || place == last {
                oldHash = MerkleHash.node(sibling, oldHash)
                newHash = MerkleHash.node(sibling, newHash)
                while place & 1 == 0, place != 0 {
                    place >>= 1
                    last >>= 1
                }
            } else {
                newHash = MerkleHash.node(newHash, sibling)
            }
            place >>= 1
            last >>= 1
        }
        return last == 0 && oldHash == oldRoot && newHash == newRoot
    }

    private static func hashes<Failure: Error>(
        of pieces: [[MerklePlace]], _ node: (Int, Int) throws(Failure) -> Digest
    ) throws(Failure) -> [Digest] {
        var proof: [Digest] = []
        for piece in pieces {
            var hash: Digest?
            for place in piece.reversed() {
                let left = try node(place.level, place.index)
                hash = hash.map { MerkleHash.node(left, $0) } ?? left
            }
            if let hash { proof.append(hash) }
        }
        return proof
    }

    /// The complete subtrees that make up leaves start..<start + count, where start is a multiple of every power of two up to count.
    private static func piece(_ start: Int, _ count: Int) -> [MerklePlace] {
        var places: [MerklePlace] = []
        var start = start, rest = count
        while rest > 0 {
            let level = Int.bitWidth - 1 - rest.leadingZeroBitCount
            places.append(MerklePlace(level: level, index: start >> level))
            start += 1 << level
            rest -= 1 << level
        }
        return places
    }

    private static func path(_ index: Int, _ start: Int, _ count: Int) -> [[MerklePlace]] {
        guard count > 1 else { return [] }
        let left = split(count)
        if index < left { return path(index, start, left) + [piece(start + left, count - left)] }
        return path(index - left, start + left, count - left) + [piece(start, left)]
    }

    private static func subproof(_ old: Int, _ start: Int, _ count: Int, _ isWhole: Bool) -> [[MerklePlace]] {
        if old == count { return isWhole ? [] : [piece(start, count)] }
        let left = split(count)
        if old <= left { return subproof(old, start, left, isWhole) + [piece(start + left, count - left)] }
        return subproof(old - left, start + left, count - left, false) + [piece(start, left)]
    }

    /// The largest power of two below count.
    private static func split(_ count: Int) -> Int {
        1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }
}
