// Where each release stands on the steps of its plan, folded from what nodes and callers told.
private import Decisions
internal import Guardrails
internal import Ports
internal import Primitives
internal import Releases

/// Folds the comparisons of each step, each once. Nothing is kept but in memory: after a restart the fold is made again, in the store's order, and
/// comes to the same.
actor RolloutWatch {
    /// What the comparisons of a step have come to, and what its guardrails said on the way.
    struct Story: Sendable {
        var comparison: StepComparison
        var points: [RolloutView.Point] = []
        fileprivate var grants: StepComparison.Grants
        fileprivate var cursor: Int64 = 0
        /// Comparisons between two points.
        private var stride = 1
        private var next = 1

        fileprivate init(_ comparison: StepComparison, grants: StepComparison.Grants) {
            self.comparison = comparison
            self.grants = grants
        }

        private static let mostPoints = 60

        fileprivate mutating func take(_ sighting: Sighting) {
            switch sighting.what {
            case .compared: comparison.take(sighting.record)
            case .truth(let truth): comparison.take(truth: truth, of: sighting.record)
            case .contradicted: comparison.takeContradiction(of: sighting.record)
            }
            cursor = sighting.cursor
            guard comparison.count >= next, let clock = comparison.latest else { return }
            points.append(.init(clock: clock, count: comparison.count, findings: comparison.findings))
            // When there are too many, every other goes, and from then on half as many are kept.
            if points.count >= Self.mostPoints {
                points = points.enumerated().filter { $0.offset.isMultiple(of: 2) }.map(\.element)
                stride *= 2
            }
            next = comparison.count + stride
        }

        /// The points, and the newest reading at their end.
        var pointsUntilNow: [RolloutView.Point] {
            guard let clock = comparison.latest else { return points }
            let before = points.last?.count == comparison.count ? points.dropLast() : points[...]
            return before + [.init(clock: clock, count: comparison.count, findings: comparison.findings)]
        }
    }

    struct Look: Sendable {
        var comparison: StepComparison
        var verdict: StepVerdict
    }

    private struct Key: Hashable {
        var release: ReleaseID
        var step: Int
    }

    private let source: any ComparisonSource
    /// A few kilobytes a step, those of ended releases included: people look at what was rolled back.
    private var stories: [Key: Story] = [:]
    private static let batch = 1000

    init(_ source: any ComparisonSource) { self.source = source }

    /// `nil` where the release is on no step that is compared.
    func look(at release: Release, _ spec: ReleaseSpec, now: Instant) async throws(DeskError) -> Look? {
        guard let state = release.exposure else { return nil }
        let grants = StepComparison.Grants(accepted: state.accepted, extensionSeconds: state.extensionSeconds)
        guard try await story(of: release.id, spec, step: state.step, began: state.since, grants) != nil else { return nil }
        let key = Key(release: release.id, step: state.step)
        guard let verdict = stories[key]?.comparison.verdict(at: now), let comparison = stories[key]?.comparison else { return nil }
        return Look(comparison: comparison, verdict: verdict)
    }

    /// Everything that is known of a step by now; `nil` where it is not compared.
    @discardableResult func story(
        of release: ReleaseID, _ spec: ReleaseSpec, step: Int, began: Instant, _ grants: StepComparison.Grants
    ) async throws(DeskError) -> Story? {
        let key = Key(release: release, step: step)
        if stories[key]?.grants != grants {
            guard let comparison = StepComparison(spec, step: step, watcher: .controller, began: began, grants: grants) else { return nil }
            stories[key] = Story(comparison, grants: grants)
        }
        while let cursor = stories[key]?.cursor {
            let sightings: [Sighting]
            do { sightings = try await source.sightings(of: release, step: step, after: cursor, limit: Self.batch) } catch {
                throw DeskError(.unavailable, rule: "store", error.message)
            }
            // Somebody else may have folded these meanwhile.
            guard stories[key]?.cursor == cursor else { continue }
            if sightings.isEmpty { break }
            for sighting in sightings { stories[key]?.take(sighting) }
        }
        return stories[key]
    }
}
