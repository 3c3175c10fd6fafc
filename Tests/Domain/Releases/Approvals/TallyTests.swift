// Promise 7, counting: people and not signatures, one seat a person, and never fewer than the trust root asks for.
import Evidence
import Primitives
import Releases
import TestKit
import Testing

@Suite struct TallyTests {
    private typealias Seven = PromiseSevenTests

    @Test func promise7_aPersonSignsOnce() throws {
        let world = try World.crowd(), made = try Seven.draft(world)
        let ben = try world.answer(to: made, as: .reviewer, by: "ben"), later = try world.answer(to: made, as: .reviewer, by: "ben") { $0.reason = "still sound" }
        let eve = try world.answer(to: made, as: .reviewer, by: "eve"), otherRole = try world.answer(to: made, as: .riskOwner, by: "eve")
        let otherKey = try world.answer(to: made, as: .riskOwner, by: "eve", keys: [6])
        for (first, second) in [(ben, ben), (ben, later), (eve, eve), (eve, otherRole), (otherRole, eve), (eve, otherKey)] {
            var release = try Seven.machine(world, made, [first])
            let before = release
            #expect(Seven.rule { try release.apply(.approved(second, at: World.now), trust: world.trust) } == .fourEyes)
            let isUnchanged = release == before
            #expect(isUnchanged)
            #expect(Seven.refusal(world, made, [first, second])?.rule == .authority)
            #expect(Seven.refusal(world, made, [first, second, second, first])?.rule == .authority)
        }
    }

    /// What is still missing, in the words that people see.
    @Test func promise7_theTallySaysWhoMustStillSign() throws {
        let world = try World.crowd(), made = try Seven.draft(world)
        let ben = try world.answer(to: made, as: .reviewer, by: "ben"), cleo = try world.answer(to: made, as: .riskOwner, by: "cleo")
        for (approvals, spelled) in [([], "1 reviewer, 1 risk-owner"), ([ben], "1 risk-owner"), ([cleo], "1 reviewer"), ([ben, cleo], "")] as [([Envelope], String)] {
            let release = try Seven.machine(world, made, approvals)
            let tally = try release.tally(trust: world.trust)
            #expect(tally.spelled == spelled && tally.isComplete == spelled.isEmpty)
            #expect((try? Seven.prepared(release, in: world.trust)) == nil || spelled.isEmpty)
            #expect((Seven.refusal(world, made, approvals) == nil) == spelled.isEmpty)
        }
        let validating = try required(try Release.fold([.proposed(made.bundle.proposal, at: World.now)], trust: world.trust), "a release")
        #expect(Seven.rule { _ = try validating.tally(trust: world.trust) } == .phase)
    }

    @Test func promise7_aCountOfTwoMeansTwoPeople() throws {
        let world = try World.crowd(), made = try Seven.draft(world) { $0.approvals[0].count = 2 }
        func answer(_ person: String, _ role: Role, _ keys: UInt8...) throws -> Envelope { try world.answer(to: made, as: role, by: person, keys: keys) }
        let ben = try answer("ben", .reviewer, 2), eve = try answer("eve", .reviewer, 5), cleo = try answer("cleo", .riskOwner, 3)
        let otherKey = try answer("eve", .reviewer, 6), bothKeys = try answer("eve", .reviewer, 5, 6), withCleo = try answer("ben", .reviewer, 2, 3)
        let few: [[Envelope]] = [[ben, cleo], [ben, ben, cleo], [eve, otherKey, cleo], [bothKeys, cleo], [bothKeys, otherKey, cleo], [withCleo, ben, cleo], [withCleo, eve]]
        for approvals in few {
            let error = Seven.refusal(world, made, approvals)
            #expect(error?.rule == .authority && error?.message.contains("must still sign") == true)
            let distinct = approvals.filter { $0 != ben || approvals.first == ben }
            if let release = try? Seven.machine(world, made, distinct) { #expect(Seven.rule { _ = try Seven.prepared(release, in: world.trust) } == .authority) }
        }
        for approvals in [[ben, eve, cleo], [cleo, bothKeys, ben], [withCleo, eve, cleo]] {
            #expect(Seven.refusal(world, made, approvals) == nil)
            #expect(try Seven.prepared(Seven.machine(world, made, approvals), in: world.trust).phase == .preparing)
        }
    }

    /// Against trying out who signs in which role.
    @Test(arguments: [false, true]) func promise7_aPolicyThatNobodyCanMeetIsKnown(_ solo: Bool) throws {
        var trust = try World.crowd().trust
        trust.solo = solo
        trust.approvals = [:]
        func canSign(_ need: [Role], _ people: ArraySlice<TrustRoot.Person>) -> Bool {
            guard let role = need.first else { return true }
            return people.indices.contains { index in
                guard people[index].roles.contains(role) else { return false }
                return canSign(Array(need.dropFirst()), people[..<index] + people[(index + 1)...])
            }
        }
        for barred: Set<PersonID> in [[], Set(trust.people.prefix(1).map(\.id)), Set(trust.people.suffix(2).map(\.id))] {
            for reviewers in 0...4 {
                for owners in 0...3 {
                    let rules = [ApprovalRule(role: .reviewer, count: reviewers), ApprovalRule(role: .riskOwner, count: owners)]
                    let able = trust.people.filter { solo || !barred.contains($0.id) }
                    let roles = rules.map { [Role](repeating: $0.role, count: $0.count) }
                    let possible = solo ? roles.allSatisfy { canSign($0, able[...]) } : canSign(roles.flatMap { $0 }, able[...])
                    #expect((ApprovalTally.shortfall(rules, trust: trust, without: barred) == nil) == possible, "\(reviewers) and \(owners) without \(barred)")
                }
            }
        }
    }

    /// A policy that asks for less than the trust root: fewer roles, none, or less than none.
    @Test(arguments: ["only a reviewer", "counts of zero", "counts below zero", "another role only"]) func promise7_theRootsLeastApprovalsHold(policy: String) throws {
        let world = try World.crowd { $0.approvals = [.reviewer: 2, .riskOwner: 1] }
        let made = try Seven.draft(world) { spec in
            switch policy {
            case "only a reviewer": spec.approvals.remove(at: 1)
            case "counts of zero": for index in 0...1 { spec.approvals[index].count = 0 }
            case "counts below zero": for index in 0...1 { spec.approvals[index].count = -3 }
            default: spec.approvals = [spec.approvals[1]]
            }
        }
        let ben = try world.answer(to: made, as: .reviewer, by: "ben"), eve = try world.answer(to: made, as: .reviewer, by: "eve")
        let cleo = try world.answer(to: made, as: .riskOwner, by: "cleo")
        for (approvals, spelled) in [
            ([], "2 reviewer, 1 risk-owner"), ([ben], "1 reviewer, 1 risk-owner"), ([ben, eve], "1 risk-owner"), ([ben, cleo], "1 reviewer"),
        ] as [([Envelope], String)] {
            let release = try Seven.machine(world, made, approvals)
            #expect(try release.tally(trust: world.trust).spelled == spelled)
            #expect(Seven.rule { _ = try Seven.prepared(release, in: world.trust) } == .authority)
            #expect(Seven.refusal(world, made, approvals)?.rule == .authority)
        }
        #expect(Seven.refusal(world, made, [ben, eve, cleo]) == nil)
    }

    /// A policy may ask for more, also for a role that the root does not ask for.
    @Test func promise7_aPolicyMayAskForMore() throws {
        let world = try World.crowd { $0.people[5].roles = [.independentValidator] }
        let made = try Seven.draft(world) { spec in
            spec.approvals.append(spec.approvals[0])
            spec.approvals[2].role = .independentValidator
        }
        let usual = [try world.answer(to: made, as: .reviewer, by: "ben"), try world.answer(to: made, as: .riskOwner, by: "cleo")]
        #expect(Seven.refusal(world, made, usual)?.message.contains("1 independent-validator must still sign") == true)
        #expect(Seven.refusal(world, made, usual + [try world.answer(to: made, as: .independentValidator, by: "fay")]) == nil)
    }

    /// Whoever signs in a role of theirs that nobody asked for adds nothing.
    @Test func promise7_anApprovalThatNobodyAskedForCountsForNothing() throws {
        let world = try World.crowd(), made = try Seven.draft(world)
        let fay = try world.answer(to: made, as: .viewer, by: "fay"), ben = try world.answer(to: made, as: .reviewer, by: "ben")
        #expect(try Seven.machine(world, made, [fay]).tally(trust: world.trust).spelled == "1 reviewer, 1 risk-owner")
        #expect(Seven.refusal(world, made, [fay, ben])?.message.contains(": 1 risk-owner must still sign") == true)
    }

    @Test func promise7_aRejectionIsNoApproval() throws {
        let world = try World.crowd(), made = try Seven.draft(world)
        let good = [try world.answer(to: made, as: .reviewer, by: "ben"), try world.answer(to: made, as: .riskOwner, by: "cleo")]
        let no = try world.answer(.reject, to: made, as: .reviewer, by: "eve")
        var release = try Seven.machine(world, made, good)
        let before = release
        #expect(Seven.rule { try release.apply(.approved(no, at: World.now), trust: world.trust) } == .invalid)
        #expect(Seven.rule { try release.apply(.rejected(good[0], at: World.now), trust: world.trust) } == .invalid)
        let isUnchanged = release == before
        #expect(isUnchanged)
        for position in 0...2 {
            var approvals = good
            approvals.insert(no, at: position)
            #expect(Seven.refusal(world, made, approvals)?.message == "rebooking-offer-1 was rejected")
        }
        #expect(Seven.refusal(world, made, [no, good[1]])?.message.contains("not approved: 1 reviewer must still sign") == true)
        try release.apply(.rejected(no, at: World.now), trust: world.trust)
        #expect(release.phase == .rejected && Seven.rule { _ = try Seven.prepared(release, in: world.trust) } == .phase)
    }

    /// A control plane that writes another author into the spec lets the real one sign, and every node refuses the release.
    @Test func promise7_theAuthorIsTheOneWhoRegistered() throws {
        let world = try World.crowd(), made = try Seven.draft(world) { $0.model?.author = try name("fay") }
        let approvals = [try world.answer(to: made, as: .reviewer, by: "dan"), try world.answer(to: made, as: .riskOwner, by: "cleo")]
        #expect(Seven.refusal(world, made, approvals)?.message.contains("otherwise than dan registered it") == true)
    }

    @Test func promise7_soloMayApproveTheirOwnAndNobodyElseMay() throws {
        let world = try World.solo(), made = try world.draft(1)
        func answer(_ role: Role, _ person: String = "ada") throws -> Envelope { try world.answer(to: made, as: role, by: person) }
        let both = [try answer(.reviewer), try answer(.riskOwner)]
        #expect(try Seven.prepared(Seven.machine(world, made, both), in: world.trust).phase == .preparing)
        #expect(Seven.refusal(world, made, both) == nil)
        #expect(Seven.refusal(world, made, [both[0]])?.rule == .authority && Seven.refusal(world, made, [both[1]])?.rule == .authority)
        var release = try Seven.machine(world, made, [both[0]])
        #expect(Seven.rule { try release.apply(.approved(both[0], at: World.now), trust: world.trust) } == .fourEyes)
        for wrong in [try answer(.reviewer, "ben"), try answer(.auditor), try world.answer(to: made, as: .riskOwner, by: "ada", keys: [20])] {
            #expect(Seven.rule { try release.apply(.approved(wrong, at: World.now), trust: world.trust) } == .authority)
        }
    }

    @Test func promise7_soloAlsoCountsPeopleAndNotSignatures() throws {
        let world = try World.solo(), made = try world.draft(1) { $0.approvals[0].count = 2 }
        let reviewer = try world.answer(to: made, as: .reviewer, by: "ada"), owner = try world.answer(to: made, as: .riskOwner, by: "ada")
        #expect(Seven.refusal(world, made, [reviewer, owner])?.rule == .authority)
        #expect(Seven.refusal(world, made, [reviewer, reviewer, owner])?.message.contains("not approved: 1 reviewer must still sign") == true)
    }

    /// What one person approved alone stops counting when the installation grows.
    @Test func promise7_soloEndsWithTheNextRoot() throws {
        let world = try World.solo(), made = try world.draft(1)
        var next = try World.crowd().trust
        next.version = 2
        next.people[0].roles.append(.riskOwner)
        let grown = try world.trust.openSuccessor(Envelope(signing: next, as: TrustRoot.payloadType, by: [try key(1), try key(2)]))
        let both = [try world.answer(to: made, as: .reviewer, by: "ada"), try world.answer(to: made, as: .riskOwner, by: "ada")]
        let release = try Seven.machine(world, made, both)
        #expect(Seven.rule { _ = try Seven.prepared(release, in: grown) } == .fourEyes)
        #expect(Seven.refusal(world, made, both, in: grown)?.rule == .fourEyes)
    }

    /// Somebody who left, lost the role or lost the key has not approved.
    @Test(arguments: ["left", "lost the role", "lost the key"]) func promise7_approvalsAreJudgedByTheRootOfTheDay(ben: String) throws {
        let world = try World.crowd(), made = try Seven.draft(world)
        let approvals = [try world.answer(to: made, as: .reviewer, by: "ben"), try world.answer(to: made, as: .riskOwner, by: "cleo")]
        let release = try Seven.machine(world, made, approvals)
        let later = try World.crowd { root in
            switch ben {
            case "left": root.people.remove(at: 1)
            case "lost the role": root.people[1].roles = [.viewer]
            default: root.people[1].keys = [try key(50).verificationKey]
            }
        }
        #expect(Seven.rule { _ = try Seven.prepared(release, in: later.trust) } == .authority)
        #expect(Seven.refusal(world, made, approvals, in: later.trust)?.rule == .authority)
    }

    /// One key for two people would make one person two.
    @Test func promise7_aKeyBelongsToOneHolder() throws {
        let holders: [(inout TrustRoot) throws -> Void] = [
            { $0.people[1].keys = $0.people[2].keys }, { $0.people[1].keys.append(try key(5).verificationKey) }, { $0.people[4].keys[1] = $0.people[4].keys[0] },
            { $0.services.controlPlane = try key(2).verificationKey }, { $0.services.ledger = try key(2).verificationKey },
            { $0.services.validator = try key(6).verificationKey }, { $0.nodes[try name("node-2")] = try key(3).verificationKey },
        ]
        for change in holders {
            let error = #expect(throws: EvidenceError.self) { _ = try World.crowd(change: change) }
            #expect(error?.message.contains("one key is listed for") == true)
        }
    }
}
