// The promises of DESIGN §3 that a node keeps, on real sockets.
import Evidence
import Foundation
import Primitives
import Releases
import ServingPlane
import Synchronization
import TestKit
import Testing

@Suite(.serialized) struct PromiseTests {
    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var says: String
        var table: @Sendable (World, MadeRelease) throws -> Envelope
    }

    static let bad: [Bad] = [
        Bad(testDescription: "one approval is missing", says: "1 risk-owner must still sign") { world, good in
            try world.table(2, champion: world.release(2, approvers: [(.reviewer, 2, "ben")]), standby: good)
        },
        Bad(testDescription: "a person signs for another", says: "whose valid signature it does not carry") { world, good in
            try world.table(2, champion: world.release(2, approvers: [(.reviewer, 2, "ben"), (.riskOwner, 2, "cleo")]), standby: good)
        },
        Bad(testDescription: "a person signs in a role of another", says: "does not hold the role") { world, good in
            try world.table(2, champion: world.release(2, approvers: [(.reviewer, 2, "ben"), (.riskOwner, 2, "ben")]), standby: good)
        },
        Bad(testDescription: "the spec is changed after approval", says: "what an approval covers must not change") { world, good in
            var changed = try world.release(2)
            changed.spec.plan([.canary(0.5), .live])
            changed.bundle.spec = Base64Bytes(changed.spec.encoded)
            return try world.table(2, champion: changed, standby: good)
        },
        Bad(testDescription: "the share is raised", says: "its approved plan allows 0.05") { world, good in
            try world.table(2, champion: good, candidate: (world.release(2, exposure: [.canary(0.05)]), 0.5))
        },
        Bad(testDescription: "the plan has no live step", says: "has no live step") { world, good in
            try world.table(2, champion: world.release(2, exposure: [.canary(0.05)]), standby: good)
        },
        Bad(testDescription: "the spec does not come along", says: "does not carry that spec") { world, good in
            var other = try world.release(2)
            let digest = other.digest
            other.bundle = good.bundle
            let table: RoutingTable = try world.table(2, champion: good).decodeUnverified(as: RoutingTable.payloadType)
            var changed = table
            changed.routes[0].champion = digest
            return Envelope(signing: changed, as: RoutingTable.payloadType, by: [try key(20)])
        },
    ]

    @Test(arguments: bad) func promise1_unapprovedReleaseIsRefused(_ bad: Bad) async throws {
        let world = try World(), link = MemoryLink(world.trust), store = NodeStore(), good = try world.release(1)
        let table = try bad.table(world, good)
        link.show(try world.table(1, champion: good), good, try world.release(2))
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, store: store, folder: folder) { node in
                try await node.untilServed(good)
                link.change { $0.table = table }
                try await node.until("the refusal is reported") { link.look { $0.observations.contains { $0.state == .refused } } }
                try await node.passes()
                let refusals = link.look { $0.observations.filter { $0.state == .refused } }
                #expect(refusals.count == 1 && refusals.first?.reason?.contains(bad.says) == true, "\(refusals.map(\.reason))")
                #expect(try await node.decide().spec == good.digest.description)
            }
            // Nor after a restart, when the node has only what it remembers.
            link.change { $0.isDead = true }
            try await Harness.run(world, link, store: store, folder: folder) { node in
                let answer = try await node.decide()
                #expect(answer.spec == good.digest.description)
            }
        }
    }

    @Test func promise1_aTableOfAnotherKeyIsNotTaken() async throws {
        let world = try World(), link = MemoryLink(world.trust), good = try world.release(1), other = try world.release(2)
        link.show(try world.table(1, champion: good), good, other)
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder) { node in
                try await node.untilServed(good)
                for number in [1, 2, 3, 21, 30, 99] as [UInt8] {
                    link.change { [table = try world.table(2, champion: other, signedBy: number)] in $0.table = table }
                    try await node.passes()
                    #expect(try await node.decide().spec == good.digest.description)
                }
            }
        }
    }

    @Test func promise1_wrongBytesOnTheWayAreRefused() async throws {
        let world = try World(), link = MemoryLink(world.trust)
        let good = try world.release(1), other = try world.release(2, model: "0.9 0 0")
        let artifact = try required(other.spec.model?.artifact, "a model")
        link.show(try world.table(1, champion: good), good, other)
        link.change { $0.files[artifact] = Array("0.1 0 0".utf8) }
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder) { node in
                try await node.untilServed(good)
                link.change { [table = try world.table(2, champion: other, standby: good)] in $0.table = table }
                try await node.until("the refusal is reported") { link.look { $0.observations.contains { $0.state == .refused && $0.spec == other.digest } } }
                #expect(try await node.decide().spec == good.digest.description)
                #expect(link.look { $0.observations.allSatisfy { $0.state != .active || $0.spec == good.digest } })
                #expect(try await node.get("/v1/status").body.contains(#""refused":"#))
            }
        }
    }

    /// Bytes changed on the node's own disk are never served. They are fetched anew when somebody has them, and not before.
    @Test func promise1_bytesChangedOnTheDiskAreNotServed() async throws {
        let world = try World(), link = MemoryLink(world.trust), store = NodeStore(), good = try world.release(1, model: "0.9 0 0")
        let artifact = try required(good.spec.model?.artifact, "a model")
        link.show(try world.table(1, champion: good), good)
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, store: store, folder: folder) { try await $0.untilServed(good) }
            store.plant(Array("0.1 0 0".utf8), as: artifact)
            link.change { $0.isDead = true }
            try await Harness.run(world, link, store: store, folder: folder) { node in
                try await node.passes()
                #expect(try await node.decide().status == 503)
                link.change { $0.isDead = false }
                try await node.untilServed(good)
                #expect(try await node.decide().body.contains(#""score":0.9,"#))
            }
        }
    }

    @Test func promise1_releasesThatDoNotFitAreRefused() async throws {
        let world = try World(), good = try world.release(1)
        let cases = [
            (try world.release(2, requestMaximum: 6000), "does not keep the model's signature"), (try world.release(2, model: "0.5 0"), "no linear model"),
            (try world.release(2, decision: World.decision(service: "other")), "of another service"), (try world.release(2, decision: Array("{".utf8)), "decision.yaml"),
        ]
        for (release, says) in cases {
            let link = MemoryLink(world.trust)
            link.show(try world.table(1, champion: good), good, release)
            try await Harness.withFolder { folder in
                try await Harness.run(world, link, folder: folder) { node in
                    try await node.untilServed(good)
                    link.change { [table = try world.table(2, champion: release, standby: good)] in $0.table = table }
                    try await node.until("'\(says)' is reported") { link.look { $0.observations.contains { $0.reason?.contains(says) == true } } }
                    #expect(try await node.decide().spec == good.digest.description)
                }
            }
        }
    }

    @Test func promise8_rollbackNeedsNoDownload() async throws {
        let world = try World(), link = MemoryLink(world.trust)
        let old = try world.release(1), new = try world.release(2, model: "0.9 0 0"), next = try world.release(3, model: "0.7 0 0")
        link.show(try world.table(1, champion: old), old, new)
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder) { node in
                try await node.untilServed(old)
                link.change { [table = try world.table(2, champion: old, preparing: new)] in $0.table = table }
                try await node.until("the way back is rehearsed") { link.look { $0.observations.contains { $0.state == .rehearsed } } }
                let rehearsed = try #require(link.look { $0.observations.first { $0.state == .rehearsed } })
                #expect(rehearsed.spec == new.digest && (rehearsed.milliseconds ?? -1) >= 0)
                #expect(try await node.decide().spec == old.digest.description)
                link.change { [table = try world.table(3, champion: new, standby: old)] in $0.table = table }
                try await node.untilServed(new)
                // Nothing can be fetched any more, and the table even asks for something that never was here.
                let fetched = Set(link.look { $0.fetched })
                link.change { [table = try world.table(4, champion: old, standby: new, preparing: next)] in
                    $0.table = table
                    $0.files = [:]
                }
                try await node.untilServed(old)
                #expect(Set(link.look { $0.fetched }).subtracting(fetched).isDisjoint(with: Set(old.files.keys)))
            }
        }
    }

    @Test func promise9_noRequestFailsWhileVersionsChange() async throws {
        let world = try World(), link = MemoryLink(world.trust)
        let pair = [try world.release(1, model: "0.1 0 0"), try world.release(2, model: "0.9 0 0")]
        let specs = Set(pair.map(\.digest.description))
        link.show(try world.table(1, champion: pair[0], standby: pair[1]), pair[0], pair[1])
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, folder: folder) { node in
                try await node.untilServed(pair[0])
                let isOver = Mutex(false), goesOn: @Sendable () -> Bool = { !isOver.withLock { $0 } && !Task.isCancelled }
                try await withThrowingTaskGroup(of: Set<String>.self) { tasks in
                    for _ in 0..<16 {
                        tasks.addTask {
                            try await node.converse { talk in
                                var seen: Set<String> = []
                                while goesOn() {
                                    let answer = try #require(try await talk.post(Harness.row))
                                    let spec = try #require(answer.spec)
                                    // The score belongs to the release that the answer names.
                                    let isFirst = spec == pair[0].digest.description
                                    #expect(answer.status == 200 && specs.contains(spec) && answer.body.contains(isFirst ? #""score":0.1,"# : #""score":0.9,"#))
                                    seen.insert(spec)
                                }
                                return seen
                            }
                        }
                    }
                    for generation in 2..<40 {
                        let now = pair[(generation + 1) % 2], other = pair[generation % 2]
                        link.change { [table = try world.table(generation, champion: now, standby: other)] in $0.table = table }
                        try await node.untilServed(now)
                        // From here on no answer may name the other: what is asked after a flip is answered by it.
                        #expect(try await node.decide().spec == now.digest.description)
                    }
                    isOver.withLock { $0 = true }
                    var seen: Set<String> = []
                    for try await part in tasks { seen.formUnion(part) }
                    #expect(seen == specs)
                }
            }
        }
    }

    /// What a node remembers may be changed by whoever can write its folder. Nothing unreleased is served for it, and what can be verified is.
    @Test(arguments: ["newest", "serving", "both", "garbage", "nothing left"]) func promise10_aDamagedMemoryStopsNoNode(_ damage: String) async throws {
        let world = try World(), link = MemoryLink(world.trust), store = NodeStore(), good = try world.release(1), other = try world.release(2)
        link.show(try world.table(3, champion: good), good, other)
        let forged = String(decoding: StrictJSON.encode(try world.table(9, champion: other, signedBy: 99)), as: UTF8.self)
        try await Harness.withFolder { folder in
            try await Harness.run(world, link, store: store, folder: folder) { try await $0.untilServed(good) }
            let path = folder + "/table.json"
            let real = String(decoding: StrictJSON.encode(try world.table(3, champion: good)), as: UTF8.self)
            let memory: String =
                switch damage {
                case "newest": #"{"format":1,"newest":\#(forged),"serving":{"rebooking-offer":\#(real)}}"#
                case "serving": #"{"format":1,"newest":\#(real),"serving":{"rebooking-offer":\#(forged)}}"#
                case "both": #"{"format":1,"newest":\#(forged),"serving":{"rebooking-offer":\#(forged)}}"#
                case "garbage": #"{"format":1,"newest""#
                default: ""
                }
            try Data(memory.utf8).write(to: URL(fileURLWithPath: path))
            let isServed = damage == "newest" || damage == "serving"
            let older = try world.table(2, champion: other), newer = try world.table(4, champion: good)
            link.change { $0.isDead = true }
            try await Harness.run(world, link, store: store, folder: folder) { node in
                try await node.passes()
                let answer = try await node.decide()
                #expect(isServed ? answer.spec == good.digest.description : answer.status == 503, "\(answer)")
                #expect(FileManager.default.fileExists(atPath: path + ".damaged") == !(isServed || damage == "both"))
                link.change {
                    $0.isDead = false
                    $0.repeatsItself = true
                    $0.table = isServed ? older : newer
                }
                try await node.passes()
                if isServed {
                    #expect(try await node.decide().spec == good.digest.description)
                    link.change { $0.table = newer }
                }
                try await node.until("the newer table is taken") { try await node.get("/v1/status").body.contains(#""table":"1.4""#) }
                #expect(try await node.decide().spec == good.digest.description)
            }
        }
    }

    @Test func aNodeNeverGoesBack() async throws {
        let world = try World(), link = MemoryLink(world.trust), store = NodeStore()
        let old = try world.release(1), new = try world.release(2)
        link.show(try world.table(7, champion: new), old, new)
        let backwards = try world.table(6, champion: old)
        try await Harness.withFolder { folder in
            for _ in 0..<2 {
                try await Harness.run(world, link, store: store, folder: folder) { node in
                    try await node.untilServed(new)
                    link.change {
                        $0.table = backwards
                        $0.repeatsItself = true
                    }
                    try await node.passes()
                    #expect(try await node.decide().spec == new.digest.description)
                    #expect(try await node.get("/v1/status").body.contains(#""table":"1.7""#))
                }
            }
        }
    }
}
