// What does not start leaves nothing running and says why.
import Foundation
import Testing

extension ProgramTests {
    @Suite struct StartingTests {
        /// Nothing runs, and nothing says that something does.
        private func expectStopped(_ folder: Folder) {
            #expect(Processes.naming(folder.path) == [])
            Processes.end(naming: folder.path)
            let left = (try? FileManager.default.contentsOfDirectory(atPath: folder.path + "/home/run")) ?? []
            #expect(left.filter { !$0.hasSuffix(".log") } == [])
        }

        private func up(_ folder: Folder, control: String, node: String) async throws -> Run {
            do {
                return try await Program.built.get().run(["up", "--detach", "--home", folder.path + "/home", "--control", control, "--node", node], in: folder.path)
            } catch {
                Processes.end(naming: folder.path)
                throw error
            }
        }

        enum Holder: CaseIterable { case listening, bound }

        @Test(arguments: [0, 1], Holder.allCases) func aPortInUseStopsBoth(_ which: Int, _ holder: Holder) async throws {
            let folder = try Workshop.folder()
            let taken = try Ports.Taken(isListening: holder == .listening)
            var addresses = try Ports.free(2)
            addresses[which] = taken.address
            let run = try await up(folder, control: addresses[0], node: addresses[1])
            Refusal("", "", exits: 69, says: "in use", String(taken.port), "choose another").expectRefused(run)
            expectStopped(folder)
            // Only what it wrote down about its own trying.
            let allowed = [
                "home/run/", "home/control/ledger.sqlite", "home/control/decisions.sqlite", "home/control/artifacts", "home/nodes/node-1/artifacts", "home/nodes/node-1/decisions",
            ]
            let new = try folder.snapshot().changes(since: Workshop.folder().snapshot())
            #expect(new.allSatisfy { path in allowed.contains { path.hasPrefix($0) } }, "\(new)")
            withExtendedLifetime(taken) {}
        }

        @Test(arguments: [0, 1]) func anAddressThatIsNotOfThisMachineAloneIsRefused(_ which: Int) async throws {
            let folder = try Workshop.folder()
            var addresses = try Ports.free(2)
            addresses[which] = addresses[which].replacing("127.0.0.1", with: "0.0.0.0")
            let run = try await up(folder, control: addresses[0], node: addresses[1])
            Refusal("", "", exits: 69, says: "does not listen on '0.0.0.0'", "127.0.0.1", which == 0 ? "control.log" : "node-1.log").expectRefused(run)
            expectStopped(folder)
        }

        static let starts = [
            Refusal("up, no home", "up --detach --home nowhere", exits: 66, says: "nowhere", "'penstock init'"),
            Refusal("up, the control plane on any port", "up --detach --home home --control 127.0.0.1:0", exits: 65, says: "1 to 65535"),
            Refusal("up, the node on any port", "up --detach --home home --node 127.0.0.1:0", exits: 65, says: "1 to 65535"),
            Refusal("control-plane, no home", "control-plane --home nowhere", exits: 66, says: "nowhere", "'penstock init'"),
        ]

        @Test(arguments: starts) func whatCannotStartSaysWhy(_ refusal: Refusal) async throws {
            let folder = try Workshop.folder()
            try await refusal.check(in: folder)
            expectStopped(folder)
        }

        @Test func stoppingWhatDoesNotRunIsNoError() async throws {
            let folder = try Workshop.folder()
            let before = try folder.snapshot()
            let run = try await Program.built.get().run(["down", "--home", "home"], in: folder.path)
            #expect(run.code == 0 && run.output == "Nothing was running.\n" && run.errors == "")
            #expect(try folder.snapshot().changes(since: before) == [])
        }

        @Test func aNumberThatIsSomebodyElsesByNowIsLeftAlone() async throws {
            let folder = try Workshop.folder()
            let other = Process(), input = Pipe()
            other.executableURL = URL(filePath: "/bin/cat")
            other.standardInput = input
            try other.run()
            try folder.write(#"{"format":1,"process":\#(other.processIdentifier),"url":"http://127.0.0.1:1"}"#, to: "home/run/control.json")
            #expect(try await Program.built.get().run(["down", "--home", "home"], in: folder.path).code == 0)
            expectStopped(folder)
            #expect(other.isRunning)
            try input.fileHandleForWriting.close()
            other.waitUntilExit()
            #expect(other.terminationReason == .exit)
        }

        private static func node(
            _ name: String, exits code: Int32, trust: String = "home/trust.json", node: String = "node-1", folder: String = "home/nodes/node-1", _ more: String = "",
            says: String...
        )
            -> Refusal
        {
            var refusal = Refusal(name, "serve --trust \(trust) --node \(node) --node-home \(folder) --control http://127.0.0.1:1 \(more)", exits: code, says: "")
            refusal.says = says
            return refusal
        }

        static let nodes = [
            node("no trust root", exits: 66, trust: "nowhere.json", says: "nowhere.json"),
            node("something else as the trust root", exits: 65, trust: "model.txt", says: "model.txt"),
            node("a root that does not list it", exits: 77, node: "node-2", says: "'node-2'", "it lists node-1"),
            node("another key than the root lists", exits: 77, folder: "stranger", says: "'node-1'", "node.key"),
            node("no folder", exits: 66, folder: "nowhere", says: "nowhere/node.key"),
            node("no key", exits: 66, folder: "keyless", says: "keyless/node.key"),
            node("no token", exits: 66, folder: "tokenless", says: "tokenless/node.token"),
            node("a public key", exits: 65, folder: "public", says: "public/node.key"),
            node("an address beyond this machine", exits: 69, "--listen 0.0.0.0:0", says: "'0.0.0.0'", "127.0.0.1"),
            node("no threads", exits: 69, "--threads 0", says: "1 to 256 threads"),
        ]

        @Test(arguments: nodes) func aNodeStartsOnlyWithTheKeyThatTheRootListsForIt(_ refusal: Refusal) async throws {
            let folder = try Workshop.folder()
            let (key, token) = (try folder.read("home/nodes/node-1/node.key"), try folder.read("home/nodes/node-1/node.token"))
            try folder.write(folder.read("eve.key"), to: "stranger/node.key")
            try folder.write(token, to: "stranger/node.token")
            try folder.write(token, to: "keyless/node.token")
            try folder.write(key, to: "tokenless/node.key")
            try folder.write(folder.read("eve.pub"), to: "public/node.key")
            try folder.write(token, to: "public/node.token")
            // A node makes its store before it looks at its address.
            if refusal.code == 69 { _ = try await Program.built.get().run(refusal.arguments, in: folder.path) }
            try await refusal.check(in: folder)
        }

        @Test func aRootCutShortAnywhereIsOneSentence() async throws {
            let folder = try Workshop.folder()
            let whole = try folder.read("home/trust.json")
            var random = Seeded(11)
            let lengths = [0, 1, whole.count - 1] + (0..<12).map { _ in random.below(whole.count) }
            for (turn, length) in lengths.enumerated() {
                try folder.write(Array(whole[..<length]), to: "home/trust.json")
                let commands = [
                    "trust verify --home home", "trust show --home home", "up --detach --home home", "control-plane --home home", "trust sign --home home --key ben.key",
                ]
                let node = Self.node("", exits: 65, says: "").arguments.joined(separator: " ")
                for command in turn < 3 ? commands + [node] : [commands[turn % commands.count]] {
                    try await Refusal("\(length) bytes, \(command)", command, exits: 65, says: "home/trust.json", "put the right file back").check(in: folder)
                }
            }
            expectStopped(folder)
        }

        @Test func aRootWithOneByteChangedIsNeverTaken() async throws {
            let folder = try Workshop.folder()
            let whole = try folder.read("home/trust.json")
            let text = String(decoding: whole, as: UTF8.self)
            let names = text.matches(of: /"keyid":"[^"]*"/).map { text[..<$0.range.lowerBound].utf8.count..<text[..<$0.range.upperBound].utf8.count }
            #expect(names.count == 2)
            var random = Seeded(12)
            for _ in 0..<20 {
                var bytes = whole
                let place = random.below(bytes.count), bit = UInt8(1) << UInt8(random.below(8))
                bytes[place] ^= bit
                try folder.write(bytes, to: "home/trust.json")
                let run = try await Program.built.get().run(["trust", "verify", "--home", "home"], in: folder.path)
                // A key's id beside a signature decides nothing (DSSE): the signature is tried with every key.
                if names.contains(where: { $0.contains(place) }), run.code == 0 { continue }
                #expect(run.code == 65 || run.code == 77, "byte \(place): \(run)")
                Refusal("byte \(place)", "", exits: run.code, says: "home/trust.json").expectRefused(run)
            }
        }
    }
}

/// Numbers from a seed, so that a failure can be run again (SplitMix64).
struct Seeded {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
        return Int((z ^ z >> 31) % UInt64(bound))
    }
}
