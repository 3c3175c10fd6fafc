// Each entity once: the unit of assignment is the unit of analysis.

package enum Arm: String, Hashable, Sendable, Codable, CaseIterable {
    case champion, candidate
}

/// The entities seen since the current window began. A new window forgets them, so that each may count once more; whoever tests over windows
/// spends alpha over them (`Counting.spent`).
package struct FirstSights: Hashable, Sendable {
    /// Entities of one window. Stopping at a fixed number is a look like any other, so what was counted stays valid.
    package static let most = 65_536
    /// Windows of one step.
    package static let mostWindows = 100_000

    package private(set) var window = 1
    /// Keyed hashes of entities, never their names.
    private var seen: Set<UInt64> = []

    package init() {}

    package var count: Int { seen.count }
    package var isFull: Bool { seen.count >= Self.most }

    /// Whether this is the first sight of the entity in this window, and there is room to count it.
    package mutating func isFirst(_ entity: UInt64) -> Bool { !isFull && seen.insert(entity).inserted }

    /// False when the windows are used up; nothing changes then.
    package mutating func begin() -> Bool {
        guard window < Self.mostWindows else { return false }
        window += 1
        seen = []
        return true
    }
}

extension FirstSights: Codable {
    private enum Key: CodingKey { case window, seen }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        window = try container.decode(Int.self, forKey: .window)
        let list = try container.decode([UInt64].self, forKey: .seen)
        seen = Set(list)
        guard (1...Self.mostWindows).contains(window), list.count <= Self.most, seen.count == list.count else {
            throw DecodingError.dataCorruptedError(forKey: .seen, in: container, debugDescription: "a window holds at most \(Self.most) different entities")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(window, forKey: .window)
        try container.encode(seen.sorted(), forKey: .seen)
    }
}
