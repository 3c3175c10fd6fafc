// Promise 12: the state is a fold over the ledger's entries, and what is no history is refused.
import Evidence
import Primitives
import Registry
import Releases
import TestKit
import Testing

@Suite struct SystemStateTests {
    private static func phases(_ state: SystemState) -> [String: ReleasePhase] {
        Dictionary(uniqueKeysWithValues: state.releases.map { (String($0.key.text.suffix(1)), $0.value.phase) })
    }

    @Test func promise12_aWholeLifeFoldsToWhatIsTrue() throws {
        let (life, states) = try LedgerLife.once.get(), end = try #require(states.last)
        func phases(after label: String) throws -> [String: ReleasePhase] { Self.phases(states[try life.index(label) + 1]) }
        #expect(states.map(\.size) == Array(0...life.steps.count))
        #expect(try phases(after: "genesis") == [:])
        #expect(try phases(after: "0 live") == ["0": .live])
        #expect(try phases(after: "0 superseded") == ["0": .superseded, "1": .live])
        #expect(try phases(after: "1 superseded") == ["0": .superseded, "1": .superseded, "2": .live])
        #expect(Self.phases(end) == ["0": .superseded, "1": .live, "2": .rolledBack, "3": .aborted])
        #expect(end.trust?.version == 2 && end.table?.order == LedgerLife.order(6) && end.tables.count == 6 && end.observations.count == 6)
        #expect(end.route(of: life.first.spec.service)?.champion == life.first.digest)
        #expect(try end.route(of: name("pricing")) == nil)
        #expect(end.versions.keys.map(\.number).sorted() == [1, 2, 3])
        #expect(end.evaluations[Digest.of(LedgerLife.models[2])]?.count == 1 && end.rehearsals[Digest.of(LedgerLife.models[2])]?.map(\.baseline) == [life.first.digest])
        #expect(end.releases[life.second.spec.release]?.ending == "rolled back by cleo: too many offers")
        let history = try #require(end.histories[life.second.spec.release])
        #expect(history.map(\.kind) == ["proposed", "sealed", "approved", "approved", "preparing", "exposed", "live", "rolled-back"].map { "release." + $0 })
        #expect(history.map(\.index) == life.steps.indices.filter { life.steps[$0].record.stream == "release/rebooking-offer-2" })
        #expect(history.map(\.at) == history.map { LedgerLife.at($0.index) })
    }

    /// Whoever has the bytes has the state, at every point of the history.
    @Test func promise12_entriesReadBackFromTheirBytesGiveTheSameState() throws {
        let (life, states) = try LedgerLife.once.get()
        var state = SystemState()
        for (index, entry) in life.entries.enumerated() {
            let copy = LedgerEntry(kind: String(decoding: Array(entry.kind.utf8), as: UTF8.self), salt: [], payload: Array(entry.payload))
            #expect(try LedgerRecord.read(copy) == life.records[index] && LedgerRecord.read(copy).payload == entry.payload)
            try state.apply(copy)
            let isSame = state == states[index + 1]
            #expect(isSame, "after \(life.steps[index].label)")
        }
    }

    /// The same through the file that an auditor gets.
    @Test func promise12_anExportFoldsToTheSameState() throws {
        let (life, states) = try LedgerLife.once.get(), trust = life.world.trust, entries = life.entries
        var frontier = MerkleFrontier()
        for entry in entries { _ = frontier.append(leafHash: entry.leafHash) }
        let checkpoint = Checkpoint(origin: trust.ledgerOrigin, size: entries.count, root: frontier.root)
        let file =
            LedgerExport.header(origin: trust.ledgerOrigin, size: entries.count) + entries.indices.flatMap { LedgerExport.line(index: $0, entry: entries[$0]) }
            + LedgerExport.trailer(checkpoint: checkpoint.signed(by: try key(21), name: trust.ledgerOrigin))
        var state = SystemState()
        for entry in try LedgerExportVerifier(origin: trust.ledgerOrigin, key: trust.services.ledger).verify(file).entries { try state.apply(entry) }
        let isSame = states.last == state
        #expect(isSame)
    }

    private enum Outcome: Equatable {
        case refused(at: String)
        case other
        case same
    }

    /// Folds what is left of a changed history, from the last state that it shares with the true one.
    private static func outcome(_ steps: [LedgerLife.Step], from state: SystemState, end: SystemState) -> Outcome {
        var state = state
        for step in steps {
            guard (try? state.apply(step.record)) != nil else { return .refused(at: step.label) }
        }
        return state == end ? .same : .other
    }

    /// Entries without which the rest still folds: measurements, tables that only prepare, and last words, on which nothing later rests.
    private static let droppable: Set<String> = [
        "evaluation 1", "evaluation 2", "rehearsal 1", "rehearsal 2", "active 1", "active 3", "active 5", "active 6", "rehearsed 2", "rehearsed 4", "table 2", "table 4",
        "1 reinstated", "3 aborted", "second root",
    ]

    @Test func promise12_withoutAnEntryTheHistoryIsRefusedOrAnother() throws {
        let (life, states) = try LedgerLife.once.get(), end = try #require(states.last)
        var accepted: Set<String> = []
        for index in life.steps.indices {
            let outcome = Self.outcome(Array(life.steps[(index + 1)...]), from: states[index], end: end)
            #expect(outcome != .same, "\(life.steps[index].label) makes no difference")
            if outcome == .other { accepted.insert(life.steps[index].label) }
        }
        #expect(accepted == Self.droppable)
    }

    /// Entries that may stand twice: each says that something was measured or seen once more.
    @Test func promise12_anEntryTwiceIsRefusedUnlessItIsAMeasurement() throws {
        let (life, states) = try LedgerLife.once.get(), end = try #require(states.last)
        for (index, step) in life.steps.enumerated() {
            let outcome = Self.outcome([step], from: states[index + 1], end: end)
            let isMeasurement = ["evaluation", "rehearsal", "active", "rehearsed"].contains { step.label.hasPrefix($0) }
            #expect(outcome == (isMeasurement ? .other : .refused(at: step.label)), "\(step.label)")
            if isMeasurement { #expect(Self.outcome([step] + life.steps[(index + 1)...], from: states[index + 1], end: end) == .other) }
        }
    }

    /// Neighbours of two different kinds, neither an event of a release: their order says nothing, and the state is the same.
    private static let unordered: Set<String> = [
        "version 1, evaluation 1", "version 2, evaluation 2", "table 2, rehearsed 2", "rehearsed 2, table 3", "table 4, rehearsed 4", "rehearsed 4, table 5",
        "active 6, version 3",
    ]

    /// Neighbours that may change places although a release's event is among them: the history then tells it at another place.
    private static let otherHistory: Set<String> = [
        "evaluation 1, 0 proposed", "0 approved, 0 approved again", "0 exposed, active 1", "active 1, 0 live", "0 live, 1 proposed", "1 proposed, rehearsal 1",
        "rehearsal 1, 1 sealed", "1 approved, 1 approved again", "1 exposed, active 3", "active 3, 1 live", "0 superseded, version 2", "evaluation 2, 2 proposed",
        "2 proposed, rehearsal 2", "rehearsal 2, 2 sealed", "2 approved, 2 approved again", "2 exposed, active 5", "active 5, 2 live",
        "1 reinstated, active 6", "3 aborted, second root",
    ]

    @Test func promise12_neighboursThatChangePlacesAreRefusedOrTellAnotherHistory() throws {
        let (life, states) = try LedgerLife.once.get(), end = try #require(states.last)
        var same: Set<String> = [], other: Set<String> = []
        for index in life.steps.indices.dropLast() {
            let pair = "\(life.steps[index].label), \(life.steps[index + 1].label)"
            var rest = Array(life.steps[index...])
            rest.swapAt(0, 1)
            switch Self.outcome(rest, from: states[index], end: end) {
            case .same: same.insert(pair)
            case .other: other.insert(pair)
            case .refused: break
            }
        }
        #expect(same == Self.unordered)
        #expect(other == Self.otherHistory, "\(other.symmetricDifference(Self.otherHistory).sorted())")
    }

    @Test func promise12_aHistoryBeginsWithItsGenesis() throws {
        let life = try LedgerLife.once.get().life
        for step in life.steps.dropFirst() {
            var state = SystemState()
            let error = #expect(throws: ReleaseError.self, "\(step.label)") { try state.apply(step.record) }
            #expect(error?.rule == .authority && state == SystemState())
        }
    }

    /// Numbers have no gaps and none stands twice.
    @Test func promise12_versionsAndReleasesAreDense() throws {
        let (life, states) = try LedgerLife.once.get(), world = life.world
        for (label, next) in [("genesis", 1), ("version 1", 2), ("version 2", 3), ("second root", 4)] {
            let state = states[try life.index(label) + 1]
            for number in 1...6 {
                var changed = state
                let record = LedgerRecord.registered(try world.signed(try world.registration(number)), at: World.now)
                let isRight = (try? changed.apply(record)) != nil ? number == next : changed == state && number != next
                #expect(isRight, "version \(number) after \(label)")
            }
            var other = state
            var registration = try world.registration(1)
            registration.version.model = try name("fraud")
            try other.apply(.registered(try world.signed(registration), at: World.now))
        }
        for (label, next) in [("version 1", 0), ("0 proposed", 1), ("1 live", 2), ("2 rolled-back", 3), ("3 aborted", 4)] {
            let state = states[try life.index(label) + 1]
            for number in 0...6 {
                var changed = state
                let made = try world.draft(number) { $0.proposal.model?.number = 1 }
                let record = LedgerRecord.release(made.spec.release, .proposed(made.bundle.proposal, at: World.now))
                let isRight = (try? changed.apply(record)) != nil ? number == next : changed == state && number != next
                #expect(isRight, "release \(number) after \(label)")
            }
        }
    }

    /// What was rolled back is not proposed again, whatever its reason, policy and number say now; what was aborted may be.
    @Test func promise12_aRolledBackChangeStaysRolledBack() throws {
        let (life, states) = try LedgerLife.once.get(), world = life.world, end = try #require(states.last)
        func propose(_ made: MadeRelease, _ change: (inout Proposal) throws -> Void = { _ in }) throws -> ReleaseError? {
            var proposal = made.spec.proposal
            (proposal.number, proposal.release) = (4, try Proposal.releaseID(proposal.service, 4))
            try change(&proposal)
            let envelope = try world.signed(proposal)
            var state = end
            do throws(ReleaseError) {
                try state.apply(.release(proposal.release, .proposed(envelope, at: World.now)))
                return nil
            } catch { return state == end ? error : ReleaseError(.invalid, "the refused proposal changed the state") }
        }
        for change in [{ _ in }, { $0.reason = "please" }, { $0.policy = Digest.of("softer") }, { $0.expectedChange = nil }] as [(inout Proposal) -> Void] {
            let error = try propose(life.second, change)
            #expect(error?.rule == .phase)
            #expect(error?.message == "rebooking-offer-2 made the same change and was rolled back by cleo: too many offers; change what was wrong and propose that")
        }
        #expect(try propose(life.second) { $0.decision = Digest.of("another") } == nil && propose(life.second) { $0.request = Digest.of("another") } == nil)
        #expect(try propose(life.second) { $0.model?.number = 1 } == nil)
        #expect(try propose(life.third) == nil && propose(life.first) == nil)
    }
}
