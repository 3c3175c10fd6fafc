// The simulated world keeps its promises on every seed, repeats itself exactly, and notices what is broken on purpose.
import Foundation
import Primitives
import Simulator
import Testing

@Suite struct SimulationTests {
    private static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap { Int($0) } }

    #if DEBUG
        /// Nearly all of a simulation's time goes into real signatures, and those are slow where C is not optimised.
        private static let usual = 8
    #else
        private static let usual = 320
    #endif

    /// `PENSTOCK_SEEDS=10000 PENSTOCK_FIRST_SEED=0 PENSTOCK_STEPS=200` looks longer, best at an optimised build, and says what happened.
    @Test func everySeedKeepsThePromises() async throws {
        let first = Self.number("PENSTOCK_FIRST_SEED") ?? 0, count = Self.number("PENSTOCK_SEEDS"), steps = Self.number("PENSTOCK_STEPS") ?? 50
        let reports = try await Self.run(first..<first + (count ?? Self.usual), steps: steps)
        let events = reports.reduce(into: [String: Int]()) { $0.merge($1.events, uniquingKeysWith: +) }
        if count != nil { print(events.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: "\n")) }
        // A simulation in which nothing happens keeps every promise.
        guard count == nil else { return }
        for event in Self.expected { #expect(events[event, default: 0] > 0, "no seed had '\(event)'") }
    }

    private static let expected =
        [
            "release.live", "release.superseded", "release.rolled-back", "release.aborted", "release.refused", "release.rejected", "death",
            "node crash", "unheard commit", "tampering", "attack", "forgery", "repetition", "answer forbidden", "propose conflict", "observe done", "table not taken",
            "comparison calm", "comparison harmful", "advance conflict",
        ] + rare

    #if DEBUG
        private static let rare: [String] = []
    #else
        private static let rare = ["release.paused", "release.resumed", "advance done", "release.escalated", "veto"]
    #endif

    /// Two at a time: each simulation is one thread's work.
    private static func run(_ seeds: Range<Int>, steps: Int) async throws -> [SimulationReport] {
        try await withThrowingTaskGroup(of: SimulationReport.self) { group in
            var rest = seeds.makeIterator()
            func next() { if let seed = rest.next() { group.addTask { try await Simulation(seed: UInt64(seed)).run(steps: steps) } } }
            next()
            next()
            var reports: [SimulationReport] = []
            for try await report in group {
                reports.append(report)
                next()
            }
            return reports
        }
    }

    @Test func oneSeedIsOneStory() async throws {
        let first = try await Simulation(seed: 7).run(steps: 40), second = try await Simulation(seed: 7).run(steps: 40)
        #expect(first == second)
        let other = try await Simulation(seed: 8).run(steps: 40)
        #expect(first.trace != other.trace)
    }

    struct Broken: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var weakness: Weakness
        var promises: Set<SimulationFailure.Promise>
        /// Where to begin to look, so that this takes no longer than it must.
        var first = 0
        var stride = 1
    }

    static let broken = [
        Broken(testDescription: "a ledger that takes every commit", weakness: .storeIgnoresRevisions, promises: [.ended, .order, .fold, .acknowledged, .ledger, .approved]),
        Broken(testDescription: "nodes that take older tables", weakness: .nodesTakeOlderTables, promises: [.order, .ended]),
        Broken(testDescription: "nodes that forget their order", weakness: .nodesForgetTheirOrder, promises: [.order, .ended]),
        Broken(testDescription: "nodes that need no lease", weakness: .nodesIgnoreLeases, promises: [.ended], first: 50),
        // Only with the control plane's key can an insider show nodes such a release: every fifth seed has it stolen.
        Broken(testDescription: "nodes that count a proposer's own approval", weakness: .nodesCountProposers, promises: [.approved], first: 24, stride: 5),
    ]

    @Test(arguments: broken) func theSimulationNotices(_ broken: Broken) async throws {
        var found: SimulationFailure?
        for number in 0..<200 where found == nil {
            do throws(SimulationFailure) {
                _ = try await Simulation(seed: UInt64(broken.first + number * broken.stride), weaknesses: broken.weakness).run(steps: 80)
            } catch { found = error }
        }
        let failure = try #require(found, "no seed noticed")
        if Self.number("PENSTOCK_SEEDS") != nil { print("\(broken.testDescription): \(failure.description.prefix { $0 != "\n" })") }
        #expect(broken.promises.contains(failure.promise), "\(failure)")
        #expect(failure.description.hasPrefix("seed \(failure.seed), step \(failure.step), promise"))
        // And again, from what the failure prints.
        await #expect(throws: SimulationFailure.self) { try await Simulation(seed: failure.seed, weaknesses: broken.weakness).run(steps: 80) }
    }
}
