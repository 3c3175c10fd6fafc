// The tree against published vectors, against its definition, and against every proof that was tampered with.
import Evidence
import Primitives
import Testing

@Suite struct MerkleTests {
    /// The leaves, roots and proofs of certificate-transparency's and Trillian's tests.
    private static let leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    private static let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    private static let inclusions: [(index: Int, size: Int, proof: [String])] = [
        (0, 1, []),
        (
            0, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            5, 8,
            [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]),
        (
            1, 5,
            [
                "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
    ]
    private static let consistencies: [(old: Int, new: Int, proof: [String])] = [
        (1, 1, []),
        (
            1, 8,
            [
                "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7", "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
            ]
        ),
        (
            6, 8,
            [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ]
        ),
        (
            2, 5,
            [
                "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            ]
        ),
    ]

    /// A tree as a store has it: complete nodes by place, and the root at each size.
    private struct Grown {
        var nodes: [MerklePlace: Digest] = [:]
        var roots = [MerkleFrontier().root]
        var frontier = MerkleFrontier()

        init(_ leaves: [Digest]) {
            for leaf in leaves {
                for node in frontier.append(leafHash: leaf) {
                    let old = nodes.updateValue(node.hash, forKey: MerklePlace(level: node.level, index: node.index))
                    #expect(old == nil, "a node is made once")
                }
                roots.append(frontier.root)
            }
        }

        func node(_ level: Int, _ index: Int) throws -> Digest { try #require(nodes[MerklePlace(level: level, index: index)]) }
    }

    private static func publishedLeaves() throws -> [Digest] { try leaves.map { MerkleHash.leaf(try #require([UInt8](hex: $0))) } }

    private static func leaves(_ count: Int) -> [Digest] { (0..<count).map { MerkleHash.leaf([UInt8($0 & 255), UInt8($0 >> 8)]) } }

    @Test func publishedRoots() throws {
        let tree = Grown(try Self.publishedLeaves())
        #expect(MerkleHash.empty == (try digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")))
        #expect(tree.roots == [MerkleHash.empty] + (try Self.roots.map(digest)))
    }

    @Test func publishedProofs() throws {
        let leaves = try Self.publishedLeaves()
        let tree = Grown(leaves)
        for (index, size, hexes) in Self.inclusions {
            let proof = try hexes.map(digest)
            #expect(try MerkleProof.inclusion(of: index, in: size, node: tree.node) == proof)
            #expect(MerkleProof.verifyInclusion(of: leaves[index], at: index, in: size, root: tree.roots[size], proof: proof))
        }
        for (old, new, hexes) in Self.consistencies {
            let proof = try hexes.map(digest)
            #expect(try MerkleProof.consistency(from: old, to: new, node: tree.node) == proof)
            #expect(MerkleProof.verifyConsistency(from: old, root: tree.roots[old], to: new, root: tree.roots[new], proof: proof))
        }
    }

    @Test func everyProofUpTo256LeavesIsTheDefinitionsAndHolds() throws {
        let leaves = Self.leaves(256)
        let tree = Grown(leaves)
        let reference = ReferenceTree(leaves: leaves)
        var inclusions = 0, consistencies = 0
        for size in 1...256 {
            try #require(tree.roots[size] == reference.root(0..<size))
            for place in 0..<size {
                let path = try #require(try MerkleProof.inclusion(of: place, in: size, node: tree.node))
                try #require(path == reference.path(place, 0..<size))
                try #require(MerkleProof.verifyInclusion(of: leaves[place], at: place, in: size, root: tree.roots[size], proof: path))
                inclusions += 1
                let old = place + 1
                let proof = try #require(try MerkleProof.consistency(from: old, to: size, node: tree.node))
                try #require(proof == reference.proof(old, 0..<size))
                try #require(MerkleProof.verifyConsistency(from: old, root: tree.roots[old], to: size, root: tree.roots[size], proof: proof))
                consistencies += 1
            }
        }
        #expect(inclusions == 32_896)
        #expect(consistencies == 32_896)
    }

    /// Every tampering with the hashes of a proof.
    private func tampered(_ proof: [Digest], bit: Int) -> [[Digest]] {
        var all = proof.indices.map { index in
            var copy = proof
            copy[index] = copy[index].flipped(bit: bit)
            return copy
        }
        all += proof.indices.map { index in
            var copy = proof
            copy.remove(at: index)
            return copy
        }
        all += [proof + [MerkleHash.empty], [MerkleHash.empty] + proof]
        if let first = proof.first, let last = proof.last { all += [proof + [last], [first] + proof] }
        for index in proof.indices.dropFirst() {
            var copy = proof
            copy.swapAt(index - 1, index)
            all.append(copy)
        }
        if proof.count > 1 { all.append([]) }
        return all
    }

    /// Sizes near powers of two, where the shapes change.
    private static let sizes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 127, 129]

    @Test(arguments: sizes) func tamperedInclusionIsRefused(size: Int) throws {
        let leaves = Self.leaves(size + 1)
        let tree = Grown(leaves)
        let root = tree.roots[size]
        for index in 0..<size {
            let path = try #require(try MerkleProof.inclusion(of: index, in: size, node: tree.node))
            func holds(_ leaf: Digest? = nil, at place: Int? = nil, in count: Int? = nil, root other: Digest? = nil, proof: [Digest]? = nil) -> Bool {
                MerkleProof.verifyInclusion(
                    of: leaf ?? leaves[index], at: place ?? index, in: count ?? size, root: other ?? root, proof: proof ?? path)
            }
            try #require(holds())
            for proof in tampered(path, bit: index) { try #require(!holds(proof: proof)) }
            try #require(!holds(leaves[index].flipped(bit: index)) && !holds(root: root.flipped(bit: index)))
            for place in [index - 1, index + 1, index ^ 2, -1, size, Int.max, Int.min] where place != index { try #require(!holds(at: place)) }
            for count in [size - 1, size + 1] {
                // With the root of that size, as a checkpoint gives the pair, it never holds. With this root the path's shape alone decides.
                try #require(!holds(in: count, root: tree.roots[count]))
                try #require(holds(in: count) == (ReferenceTree.fold(leaves[index], index, count, path[...]) == root))
            }
            for count in [0, -1, Int.min, Int.max] { try #require(!holds(in: count)) }
        }
    }

    @Test(arguments: sizes) func tamperedConsistencyIsRefused(new: Int) throws {
        let tree = Grown(Self.leaves(new + 1))
        let roots = tree.roots
        for old in 1..<max(new, 2) where old < new {
            let path = try #require(try MerkleProof.consistency(from: old, to: new, node: tree.node))
            func holds(
                from first: Int? = nil, _ oldRoot: Digest? = nil, to second: Int? = nil, _ newRoot: Digest? = nil, proof: [Digest]? = nil
            ) -> Bool {
                MerkleProof.verifyConsistency(
                    from: first ?? old, root: oldRoot ?? roots[old], to: second ?? new, root: newRoot ?? roots[new], proof: proof ?? path)
            }
            try #require(holds())
            for proof in tampered(path, bit: old) { try #require(!holds(proof: proof)) }
            try #require(!holds(roots[old].flipped(bit: old)) && !holds(nil, to: nil, roots[new].flipped(bit: old)))
            try #require(!holds(roots[new], to: nil, roots[old]) && !holds(from: new, roots[new], to: old, roots[old]))
            for size in [old - 1, old + 1] {
                try #require(!holds(from: size, roots[size]))
                try #require(holds(from: size) == Self.fold(path, from: size, roots[old], to: new, roots[new]))
            }
            for size in [new - 1, new + 1] {
                try #require(!holds(to: size, roots[size]))
                try #require(holds(to: size) == Self.fold(path, from: old, roots[old], to: size, roots[new]))
            }
            for size in [0, -1, Int.min, Int.max] { try #require(!holds(from: size) && !holds(to: size)) }
        }
    }

    private static func fold(_ proof: [Digest], from old: Int, _ oldRoot: Digest, to new: Int, _ newRoot: Digest) -> Bool {
        guard let roots = ReferenceTree.foldConsistency(oldRoot, old, new, proof[...]) else { return false }
        return roots == (oldRoot, newRoot)
    }

    @Test func emptyAndEqualTrees() {
        let empty = MerkleHash.empty
        let other = MerkleHash.leaf([1])
        #expect(MerkleProof.verifyConsistency(from: 0, root: empty, to: 0, root: empty, proof: []))
        #expect(MerkleProof.verifyConsistency(from: 0, root: empty, to: 7, root: other, proof: []))
        #expect(MerkleProof.verifyConsistency(from: 7, root: other, to: 7, root: other, proof: []))
        #expect(!MerkleProof.verifyConsistency(from: 0, root: other, to: 0, root: other, proof: []))
        #expect(!MerkleProof.verifyConsistency(from: 0, root: empty, to: 0, root: other, proof: []))
        #expect(!MerkleProof.verifyConsistency(from: 0, root: other, to: 7, root: other, proof: []))
        #expect(!MerkleProof.verifyConsistency(from: 0, root: empty, to: 7, root: other, proof: [other]))
        #expect(!MerkleProof.verifyConsistency(from: 7, root: other, to: 7, root: other, proof: [other]))
        #expect(!MerkleProof.verifyConsistency(from: 7, root: other, to: 7, root: empty, proof: []))
        #expect(!MerkleProof.verifyConsistency(from: 7, root: other, to: 6, root: other, proof: []))
    }

    @Test func proofsOutOfRangeAreNotMade() {
        for (index, size) in [(0, 0), (1, 1), (-1, 1), (5, 3), (Int.min, Int.max), (Int.max, Int.max)] {
            #expect(MerkleProof.inclusionNodes(of: index, in: size) == nil)
        }
        for (old, new) in [(1, 0), (-1, 0), (-1, -1), (Int.max, 1)] { #expect(MerkleProof.consistencyNodes(from: old, to: new) == nil) }
        #expect(MerkleProof.consistencyNodes(from: 0, to: 9) == [] && MerkleProof.consistencyNodes(from: 9, to: 9) == [])
        // The largest trees there can be need no more than 63 hashes and do not trap.
        #expect(MerkleProof.inclusionNodes(of: Int.max - 1, in: Int.max)?.count ?? 99 <= 63)
        #expect(MerkleProof.consistencyNodes(from: Int.max - 1, to: Int.max)?.count ?? 99 <= 64)
    }

    @Test func aFrontierGoesOnFromItsPeaks() throws {
        let leaves = Self.leaves(40)
        for cut in 0...40 {
            var first = MerkleFrontier()
            for leaf in leaves.prefix(cut) { _ = first.append(leafHash: leaf) }
            var second = try #require(MerkleFrontier(size: first.size, peaks: first.peaks))
            for leaf in leaves.dropFirst(cut) { _ = second.append(leafHash: leaf) }
            #expect(second.root == ReferenceTree(leaves: leaves).root(0..<40))
            #expect(MerkleFrontier(size: first.size, peaks: first.peaks + [MerkleHash.empty]) == nil)
        }
        #expect(MerkleFrontier(size: -1, peaks: []) == nil && MerkleFrontier(size: Int.max, peaks: Self.leaves(63)) == nil)
    }
}
