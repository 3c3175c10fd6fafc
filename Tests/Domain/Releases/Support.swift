// JSON as a tree that a test may change anywhere, signed payloads inside included.
import Evidence
import Foundation
import Primitives

/// Keeps what a decoder would hide: repeated keys, and the JSON inside base64.
indirect enum JSONTree: Hashable, Sendable {
    struct Member: Hashable, Sendable {
        var key: String
        var value: JSONTree
    }

    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    case string(String)
    /// Base64 of a JSON object: a payload or a spec.
    case embedded(JSONTree)
    case array([JSONTree])
    case object([Member])

    init(parsing bytes: [UInt8]) throws { self = try JSONDecoder().decode(JSONTree.self, from: Data(bytes)) }

    var bytes: [UInt8] { Array(text.utf8) }

    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): String(value)
        case .number(let value): "\(value)"
        case .string(let value): String(decoding: StrictJSON.encode(value), as: UTF8.self)
        case .embedded(let tree): "\"\(tree.bytes.base64)\""
        case .array(let items): "[" + items.map(\.text).joined(separator: ",") + "]"
        case .object(let members): "{" + members.map { "\"\($0.key)\":\($0.value.text)" }.joined(separator: ",") + "}"
        }
    }
}

extension JSONTree: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            self = .object(
                try container.allKeys.sorted { $0.stringValue < $1.stringValue }.map { Member(key: $0.stringValue, value: try container.decode(JSONTree.self, forKey: $0)) })
        } else if let items = try? [JSONTree](from: decoder) {
            self = .array(items)
        } else {
            self = try Self.scalar(try decoder.singleValueContainer())
        }
    }

    private static func scalar(_ container: any SingleValueDecodingContainer) throws -> JSONTree {
        if container.decodeNil() { return .null }
        if let value = try? container.decode(Bool.self) { return .bool(value) }
        if let value = try? container.decode(Int.self) { return .integer(value) }
        if let value = try? container.decode(Double.self) { return .number(value) }
        let text = try container.decode(String.self)
        if let bytes = [UInt8](base64: text), bytes.first == UInt8(ascii: "{"), let tree = try? JSONTree(parsing: bytes), tree.bytes == bytes { return .embedded(tree) }
        return .string(text)
    }
}

/// One change of one place of a tree.
struct Mutation: Hashable, Sendable {
    /// `approvals[0].payload.role`: keys and positions from the root.
    var path: String
    /// `changed`, `deleted`, `repeated` or `added`.
    var kind: String
    var tree: JSONTree

    var name: String { "\(path) \(kind)" }
}

extension JSONTree {
    /// Every change, deletion and repetition of every value and of every collection, and a new key in every object.
    func mutations(at path: String = "") -> [Mutation] {
        Self.variants(of: self).filter { $0 != self }.map { Mutation(path: path, kind: "changed", tree: $0) } + inner(path)
    }

    private func inner(_ path: String) -> [Mutation] {
        switch self {
        case .null, .bool, .integer, .number, .string: return []
        case .embedded(let tree):
            return tree.mutations(at: path).map { Mutation(path: $0.path, kind: $0.kind, tree: .embedded($0.tree)) }
        case .array(let items):
            return items.indices.flatMap { index -> [Mutation] in
                let place = "\(path)[\(index)]"
                var without = items, twice = items
                without.remove(at: index)
                twice.insert(items[index], at: index)
                return [Mutation(path: place, kind: "deleted", tree: .array(without)), Mutation(path: place, kind: "repeated", tree: .array(twice))]
                    + items[index].mutations(at: place).map { mutation in
                        var changed = items
                        changed[index] = mutation.tree
                        return Mutation(path: mutation.path, kind: mutation.kind, tree: .array(changed))
                    }
            }
        case .object(let members):
            return [Mutation(path: path, kind: "added", tree: .object(members + [Member(key: "zz", value: .integer(1))]))]
                + members.indices.flatMap { Self.mutations(of: members, at: $0, path) }
        }
    }

    private static func mutations(of members: [Member], at index: Int, _ path: String) -> [Mutation] {
        let place = path.isEmpty ? members[index].key : "\(path).\(members[index].key)"
        var without = members, twice = members
        without.remove(at: index)
        twice.insert(members[index], at: index)
        return [Mutation(path: place, kind: "deleted", tree: .object(without)), Mutation(path: place, kind: "repeated", tree: .object(twice))]
            + members[index].value.mutations(at: place).map { mutation in
                var changed = members
                changed[index].value = mutation.tree
                return Mutation(path: mutation.path, kind: mutation.kind, tree: .object(changed))
            }
    }

    /// Other values for one place: near ones, empty ones and ones of another type.
    private static func variants(of tree: JSONTree) -> [JSONTree] {
        switch tree {
        case .null: [.integer(0)]
        case .bool(let value): [.bool(!value), .null]
        case .integer(let value): [.integer(value + 1), .integer(-1 - value), .null, .string("\(value)")]
        case .number(let value): [.number(value + 0.125), .number(-value), .null]
        case .string(let text): [.string(turned(text)), .string(text + "x"), .string(""), .null]
        case .embedded(let inner): [.string((inner.bytes + [UInt8(ascii: " ")]).base64), .string("e30="), .null]
        case .array(let items): [.array([]), .array(items.reversed()), .null]
        case .object: [.object([]), .null]
        }
    }

    /// The same text with one character turned, so that digests stay digests, times stay times and base64 stays base64.
    private static func turned(_ text: String) -> String {
        if text.hasPrefix("sha256:") { return text.dropLast() + (text.last == "0" ? "1" : "0") }
        if let instant = Instant(parsing: text) { return instant.adding(.milliseconds(1)).description }
        guard let first = text.first else { return "a" }
        return (first == "a" ? "b" : "a") + text.dropFirst()
    }
}

extension JSONTree {
    /// The paths of all values that hold no other; an empty collection is one.
    func leaves(at path: String = "") -> Set<String> {
        switch self {
        case .null, .bool, .integer, .number, .string: [path]
        case .embedded(let tree): tree.leaves(at: path)
        case .array(let items): items.isEmpty ? [path] : Set(items.indices.flatMap { items[$0].leaves(at: "\(path)[\($0)]") })
        case .object(let members): members.isEmpty ? [path] : Set(members.flatMap { $0.value.leaves(at: path.isEmpty ? $0.key : "\(path).\($0.key)") })
        }
    }
}
