// What became known about requests under exposure, in one order for ever.
import Decisions
import Ports
import Primitives
import SQLiteDecisions
import TestKit
import Testing

@Suite struct SightingTests {
    @Test func comparisonsAndOutcomesComeInTheOrderInWhichTheyWereStored() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        try log.compared(2)
        try log.compared(1)
        try log.told(1, .truth(true))
        try await log.send(to: store)
        try log.compared(3)
        try log.told(2, .truth(false))
        try await log.send(to: store)
        #expect(try await store.seen() == ["2 compared", "1 compared", "1 true", "3 compared", "2 false"])
    }

    @Test func aFoldThatGoesOnFromACursorMissesNothingAndSeesNothingTwice() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog(), whole: [Sighting] = []
        for number in 1...25 as ClosedRange<UInt64> {
            try log.compared(number, candidate: number.isMultiple(of: 3) ? "rebooking-offer-3" : "rebooking-offer-2")
            if number.isMultiple(of: 2) { try log.told(number - 1, .truth(true)) }
            try await log.send(to: store)
        }
        while true {
            let next = try await store.sightings(of: name("rebooking-offer-2"), step: 0, after: whole.last?.cursor ?? 0, limit: 3)
            if next.isEmpty { break }
            #expect(next.count <= 3)
            whole += next
        }
        let all = try await store.sightings(of: name("rebooking-offer-2"), step: 0, after: 0, limit: 1000)
        #expect(whole == all && zip(all, all.dropFirst()).allSatisfy { $0.cursor < $1.cursor })
        #expect(all.count == 17 + 8)
    }

    /// Another node may have told the outcome before the comparison arrived.
    @Test func anOutcomeThatIsKnownAlreadyFollowsItsComparison() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var other = try NodeLog("node-2"), log = try NodeLog()
        try other.told(1, .truth(false))
        try other.told(2, .truth(true))
        try other.told(2, .truth(false))
        try await other.send(to: store)
        try log.compared(1)
        try log.compared(2)
        try await log.send(to: store)
        #expect(try await store.seen() == ["1 compared", "1 false", "2 compared", "2 contradicted"])
    }

    @Test func anOutcomeCountsOnceAndAContradictionCountsOnce() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog(), other = try NodeLog("node-2")
        try log.compared(1)
        for truth in [true, true, false, false, true, false] { try log.told(1, .truth(truth)) }
        try await log.send(to: store)
        try other.told(1, .truth(false))
        try other.told(1, .truth(true))
        try await other.send(to: store)
        #expect(try await store.seen() == ["1 compared", "1 true", "1 contradicted"])
    }

    @Test func anOutcomeToldAgainIsNothingNew() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        try log.compared(1)
        for _ in 0..<3 { try log.told(1, .truth(true)) }
        try await log.send(to: store)
        #expect(try await store.seen() == ["1 compared", "1 true"])
    }

    @Test func aNumberIsNoTruth() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        try log.told(1, .number(12.5))
        try log.compared(1)
        try log.told(1, .number(1))
        try await log.send(to: store)
        #expect(try await store.seen() == ["1 compared"])
        try log.told(1, .truth(true))
        try await log.send(to: store)
        #expect(try await store.seen() == ["1 compared", "1 true"])
    }

    @Test func outcomesOfRequestsThatWereNotComparedAreNoSightings() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        try log.told(9, .truth(true))
        try log.compared(1)
        try await log.send(to: store)
        #expect(try await store.seen() == ["1 compared"])
    }

    @Test func stepsAndReleasesAreApart() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        try log.compared(1, step: 0)
        try log.compared(2, step: 1)
        try log.compared(3, candidate: "rebooking-offer-3", step: 1)
        for number in 1...3 as ClosedRange<UInt64> { try log.told(number, .truth(true)) }
        try await log.send(to: store)
        #expect(try await store.seen(step: 0) == ["1 compared", "1 true"])
        #expect(try await store.seen(step: 1) == ["2 compared", "2 true"])
        #expect(try await store.seen("rebooking-offer-3", step: 1) == ["3 compared", "3 true"])
        #expect(try await store.seen("rebooking-offer-3", step: 0).isEmpty)
        #expect(try await store.seen("rebooking-offer", step: 0).isEmpty)
    }

    /// A request can be compared on two nodes or for two releases in turn; each comparison has its own outcome.
    @Test func eachComparisonOfOneDecisionLearnsItsOutcome() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        try log.compared(1)
        try log.compared(1, candidate: "rebooking-offer-3")
        try log.told(1, .truth(true))
        try await log.send(to: store)
        #expect(try await store.seen() == ["1 compared", "1 true"])
        #expect(try await store.seen("rebooking-offer-3") == ["1 compared", "1 true"])
    }

    @Test func aComparisonThatCannotBeReadIsKeptAndIsNoSighting() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        var newer = try NodeLog.comparison(2)
        newer.format = 2
        log.add(.comparison, Array("{}".utf8))
        log.add(.comparison, newer.encoded)
        log.add(.outcome, Array("no record".utf8))
        try log.compared(1)
        try await log.send(to: store)
        #expect(try await store.seen() == ["1 compared"])
        #expect(try await store.batches(of: log.node, after: 0).map(\.last) == [4])
        #expect(try folder.count("SELECT COUNT(*) FROM entry") == 4)
    }

    @Test func batchesThatAreSentTwiceAreSeenOnce() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        try log.compared(1)
        try log.told(1, .truth(true))
        try await log.send(to: store)
        #expect(try await store.take(log.sent, from: log.node) == 2)
        try log.compared(2)
        try await log.send(to: store)
        // The whole log again, as a node does that lost its cursor.
        #expect(try await store.take(log.sent, from: log.node) == 3)
        #expect(try await store.seen() == ["1 compared", "1 true", "2 compared"])
    }

    /// A batch that contradicts what is stored is refused with all its sightings.
    @Test func whatIsRefusedIsNotSeen() async throws {
        let folder = try StoreFolder(), store = try folder.open()
        var log = try NodeLog()
        try log.compared(1)
        try await log.send(to: store)
        var changed = log.sent
        changed[0].payload = try NodeLog.comparison(8).encoded
        changed.append(LogFrame(sequence: 2, place: 1, kind: .comparison, payload: try NodeLog.comparison(9).encoded))
        let error = await #expect(throws: DecisionStoreError.self) { try await store.take(changed, from: log.node) }
        #expect(error?.code == .contradiction)
        #expect(try await store.seen() == ["1 compared"])
    }

    @Test func theOrderIsTheSameAfterReopening() async throws {
        let folder = try StoreFolder()
        var log = try NodeLog(), before: [Sighting] = []
        do {
            let store = try folder.open()
            try log.compared(1)
            try log.compared(2)
            try log.told(2, .truth(true))
            try await log.send(to: store)
            before = try await store.sightings(of: name("rebooking-offer-2"), step: 0, after: 0, limit: 10)
        }
        let store = try folder.open()
        let after = try await store.sightings(of: name("rebooking-offer-2"), step: 0, after: 0, limit: 10)
        #expect(after == before && after.count == 3)
        // What was told before is remembered: told otherwise now, it is contradicted.
        try log.told(2, .truth(false))
        try await log.send(to: store)
        #expect(try await store.seen(after: before.last?.cursor ?? 0) == ["2 contradicted"])
    }

    @Test func aComparisonThatWasChangedIsNotTold() async throws {
        let folder = try StoreFolder()
        var log = try NodeLog()
        do {
            let store = try folder.open()
            try log.compared(1)
            try await log.send(to: store)
        }
        try folder.change("UPDATE entry SET payload = CAST('{}' AS BLOB)")
        let store = try folder.open()
        let error = await #expect(throws: DecisionStoreError.self) { try await store.seen() }
        #expect(error?.code == .damaged && error?.message.contains("rebooking-offer-2") == true)
    }
}
