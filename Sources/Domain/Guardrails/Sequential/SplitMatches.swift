// Errors and time over budget where each entity has one arm for good: one value per entity, matched in time.

/// Compares a rate between split arms without ever counting an entity twice.
///
/// Of each entity only its first decision in a window counts. A candidate's entity is matched with the champion's entity nearest in time, and the
/// matches' differences (−1, 0, 1) go into `Differences`. Which entities are matched depends on arms and order alone, and no entity is in two
/// matches, so the differences are independent between entities however alike one entity's decisions are; a rate that drifts for both arms
/// cancels within the match.
///
/// Entities come to an end, and a fault can begin after all were seen. So the count begins anew with each window (a day, a new share) and each entity
/// counts once more. Windows share the luck of the assignment and so depend on one another; each spends its own part of alpha, and the union
/// bound needs no independence. Harm that begins within a window is seen from the next one on.
package struct SplitMatches: Hashable, Sendable {
    /// Candidates that wait for a champion; more are let go, whatever their value.
    static let mostWaiting = 32

    package private(set) var differences = Differences()
    package private(set) var sights = FirstSights()
    /// The champion seen last and not matched yet.
    private var champion: Bool?
    /// Candidates not matched yet, oldest first. Empty while a champion waits.
    private var candidates: [Bool] = []

    package init() {}

    /// True when a match was made. `happened` is about one decision: whether it failed, whether it was over its budget.
    package mutating func observe(_ entity: UInt64, in arm: Arm, happened: Bool) -> Bool {
        guard sights.isFirst(entity) else { return false }
        switch arm {
        case .champion where candidates.isEmpty: champion = happened
        case .champion: return match(champion: happened, candidate: candidates.removeFirst())
        case .candidate:
            if let waiting = champion {
                champion = nil
                return match(champion: waiting, candidate: happened)
            }
            if candidates.count < Self.mostWaiting { candidates.append(happened) }
        }
        return false
    }

    private mutating func match(champion: Bool, candidate: Bool) -> Bool {
        differences.observe((candidate ? 1 : 0) - (champion ? 1 : 0))
    }

    /// False when the windows are used up; nothing changes then.
    package mutating func begin() -> Bool {
        guard sights.begin() else { return false }
        differences = Differences()
        champion = nil
        candidates = []
        return true
    }
}

extension SplitMatches: Codable {
    private enum Key: CodingKey { case differences, sights, champion, candidates }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        differences = try container.decode(Differences.self, forKey: .differences)
        sights = try container.decode(FirstSights.self, forKey: .sights)
        champion = try container.decodeIfPresent(Bool.self, forKey: .champion)
        candidates = try container.decode([Bool].self, forKey: .candidates)
        let used = 2 * differences.count + candidates.count + (champion == nil ? 0 : 1)
        guard used <= sights.count, candidates.count <= Self.mostWaiting, champion == nil || candidates.isEmpty else {
            throw DecodingError.dataCorruptedError(forKey: .sights, in: container, debugDescription: "there are more matches than entities seen")
        }
    }
}
