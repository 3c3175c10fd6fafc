// Keys and digests that every run has alike, and the tree of RFC 6962 by its definition.
import Evidence
import Primitives
import Testing

/// The key whose seed is this byte 32 times.
func key(_ byte: UInt8) throws -> SigningKey { try #require(SigningKey(seed: [UInt8](repeating: byte, count: 32))) }

func digest(_ hex: String) throws -> Digest { try #require(Digest(parsing: "sha256:" + hex)) }

func name<Subject>(_ text: String) throws -> Identifier<Subject> { try #require(Identifier<Subject>(text)) }

extension Digest {
    func flipped(bit: Int) -> Digest {
        var bytes = bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return Digest(bytes: bytes) ?? self
    }
}

/// RFC 6962 §2.1 read aloud: no frontier, no stored nodes, no bit tricks.
final class ReferenceTree {
    let leaves: [Digest]
    private var roots: [Range<Int>: Digest] = [:]

    init(leaves: [Digest]) { self.leaves = leaves }

    func root(_ range: Range<Int>) -> Digest {
        if range.isEmpty { return Digest.of([]) }
        if range.count == 1 { return leaves[range.lowerBound] }
        if let known = roots[range] { return known }
        let middle = range.lowerBound + Self.split(range.count)
        let root = Self.node(root(range.lowerBound..<middle), root(middle..<range.upperBound))
        roots[range] = root
        return root
    }

    func path(_ index: Int, _ range: Range<Int>) -> [Digest] {
        guard range.count > 1 else { return [] }
        let middle = range.lowerBound + Self.split(range.count)
        return index < middle
            ? path(index, range.lowerBound..<middle) + [root(middle..<range.upperBound)]
            : path(index, middle..<range.upperBound) + [root(range.lowerBound..<middle)]
    }

    func proof(_ old: Int, _ range: Range<Int>, isWhole: Bool = true) -> [Digest] {
        if old == range.count { return isWhole ? [] : [root(range)] }
        let middle = range.lowerBound + Self.split(range.count)
        return old <= middle - range.lowerBound
            ? proof(old, range.lowerBound..<middle, isWhole: isWhole) + [root(middle..<range.upperBound)]
            : proof(old - (middle - range.lowerBound), middle..<range.upperBound, isWhole: false) + [root(range.lowerBound..<middle)]
    }

    /// The root that a path leads to; `nil` when a tree of that size has no path of that length there.
    static func fold(_ leaf: Digest, _ index: Int, _ size: Int, _ path: ArraySlice<Digest>) -> Digest? {
        guard index >= 0, index < size else { return nil }
        if size == 1 { return path.isEmpty ? leaf : nil }
        guard let last = path.last else { return nil }
        let left = split(size)
        return index < left
            ? fold(leaf, index, left, path.dropLast()).map { node($0, last) }
            : fold(leaf, index - left, size - left, path.dropLast()).map { node(last, $0) }
    }

    /// The two roots that a consistency proof leads to.
    static func foldConsistency(_ oldRoot: Digest, _ old: Int, _ new: Int, _ proof: ArraySlice<Digest>, isWhole: Bool = true) -> (Digest, Digest)? {
        guard old > 0, old <= new else { return nil }
        if old == new {
            if isWhole { return proof.isEmpty ? (oldRoot, oldRoot) : nil }
            return proof.count == 1 ? proof.first.map { ($0, $0) } : nil
        }
        guard let last = proof.last else { return nil }
        let left = split(new)
        return old <= left
            ? foldConsistency(oldRoot, old, left, proof.dropLast(), isWhole: isWhole).map { ($0, node($1, last)) }
            : foldConsistency(oldRoot, old - left, new - left, proof.dropLast(), isWhole: false).map { (node(last, $0), node(last, $1)) }
    }

    private static func node(_ left: Digest, _ right: Digest) -> Digest { Digest.of([1] + left.bytes + right.bytes) }

    private static func split(_ count: Int) -> Int {
        var size = 1
        while size * 2 < count { size *= 2 }
        return size
    }
}
