// An export of the ledger, damaged in every way, checked by the program alone.
import Evidence
import Foundation
import Primitives
import Testing

extension ProgramTests.RunningTests {
    @Suite struct LedgerTests {
        /// The team's files with an export and a checkpoint that hold.
        private func folder() async throws -> Folder {
            let installation = try RunningInstallation.get()
            let folder = try Workshop.folder()
            try await installation.succeed("ledger checkpoint --to", [folder.path + "/saved.checkpoint"])
            try await installation.succeed("ledger export --to", [folder.path + "/ledger.export"])
            return folder
        }

        private func refuse(_ name: String, _ arguments: String = "--export bad.export", exits code: Int32, says: String..., in folder: Folder) async throws {
            var refusal = Refusal(name, "ledger verify --home home \(arguments)", exits: code, says: "")
            refusal.says = says
            try await refusal.check(in: folder)
        }

        @Test func anExportHoldsWithNothingButTheTrustRoot() async throws {
            let folder = try await folder()
            let run = try await Program.built.get().succeed(
                ["ledger", "verify", "--home", "nowhere", "--export", "ledger.export", "--trust", "home/trust.json", "--checkpoint", "saved.checkpoint", "--output", "json"],
                in: folder.path)
            let report = try JSONSerialization.jsonObject(with: Data(run.output.utf8)) as? [String: Any]
            #expect(report?["live"] as? [String] == ["rebooking-offer-0"] && (report?["entries"] as? Int ?? 0) > 30, "\(run.output)")
        }

        @Test func aNameOfOneCharacterIsAName() async throws {
            let installation = try RunningInstallation.get()
            try await installation.succeed("ledger checkpoint --to c")
            try await installation.succeed("ledger export --to e")
            #expect(try await installation.succeed("ledger verify --export e --checkpoint c").contains("holds at"))
        }

        @Test func everyChangedByteIsFound() async throws {
            let folder = try await folder()
            let whole = try folder.read("ledger.export")
            var random = Seeded(14)
            for _ in 0..<40 {
                var bytes = whole
                let place = random.below(bytes.count)
                bytes[place] ^= 1 << UInt8(random.below(8))
                try folder.write(bytes, to: "bad.export")
                try await refuse("byte \(place) of \(whole.count)", exits: 1, says: "the ledger does not hold, at ", in: folder)
            }
        }

        @Test func everyMissingEndIsFound() async throws {
            let folder = try await folder()
            let whole = try folder.read("ledger.export")
            var random = Seeded(15)
            for length in [0, 1, whole.count - 1] + (0..<40).map({ _ in random.below(whole.count) }) {
                try folder.write(Array(whole[..<length]), to: "bad.export")
                try await refuse("\(length) of \(whole.count) bytes", exits: 1, says: "the ledger does not hold, at ", in: folder)
            }
        }

        @Test func whatIsAddedAtTheEndIsFound() async throws {
            let folder = try await folder()
            let whole = try folder.read("ledger.export")
            for more in ["\n", " ", "x", "{}\n"] {
                try folder.write(whole + Array(more.utf8), to: "bad.export")
                try await refuse("with \(more.debugDescription)", exits: 1, says: "the ledger does not hold, at ", in: folder)
            }
        }

        @Test func filesThatAreNoExportAreNamed() async throws {
            let folder = try await folder()
            try await refuse("a missing export", "--export nowhere.export", exits: 66, says: "nowhere.export", in: folder)
            try await refuse("a folder", "--export service", exits: 66, says: "service", in: folder)
            try await refuse("a model", "--export model.txt", exits: 1, says: "at the header", in: folder)
            try await refuse("a missing root", "--export ledger.export --trust nowhere.json", exits: 66, says: "nowhere.json", in: folder)
            try await refuse("an export as a root", "--export ledger.export --trust ledger.export", exits: 65, says: "ledger.export: ", in: folder)
            try await refuse("a missing checkpoint", "--export ledger.export --checkpoint nowhere", exits: 66, says: "nowhere", in: folder)
            try await refuse(
                "an export as a checkpoint", "--export ledger.export --checkpoint ledger.export", exits: 65, says: "ledger.export is no checkpoint", "penstock ledger checkpoint",
                in: folder)
        }

        @Test func anotherRootIsNotTheOneThatAllowedIt() async throws {
            let folder = try await folder()
            let program = try Program.built.get()
            for (home, system) in [("same", "flights"), ("other", "trains")] {
                try await program.succeed(["init", "--system", system, "--environment", "staging", "--home", home] + Workshop.people, in: folder.path)
                for person in ["ada", "ben"] { try await program.succeed(["trust", "sign", "--home", home, "--key", "\(person).key"], in: folder.path) }
            }
            try await refuse(
                "the root of another system", "--export ledger.export --trust other/trust.json", exits: 1, says: "at the header", "penstock/trains/staging", in: folder)
            try await refuse("a root of the same name", "--export ledger.export --trust same/trust.json", exits: 1, says: "at the checkpoint", "another key", in: folder)
            // The same ledger key, and other people: the history was not theirs to allow.
            let root = try Self.root(of: folder)
            var other = root
            other.expires = other.expires.adding(.seconds(1))
            try folder.write(
                StrictJSON.encode(Envelope(signing: other, as: TrustRoot.payloadType, by: [Self.key("ada.key", folder), Self.key("ben.key", folder)])), to: "later.json")
            try await refuse("a root with another expiry", "--export ledger.export --trust later.json", exits: 1, says: "another trust root", in: folder)
        }

        @Test func aCheckpointThatTheHistoryDoesNotContinueIsFound() async throws {
            let folder = try await folder()
            let root = try Self.root(of: folder)
            let key = try Self.key(RunningInstallation.get().home + "/control/keys/ledger.key")
            let saved = try Checkpoint.open(folder.read("saved.checkpoint"), origin: root.ledgerOrigin, key: root.services.ledger)
            func save(_ size: Int, _ digest: Digest, origin: String? = nil, by signer: SigningKey) throws {
                let origin = origin ?? root.ledgerOrigin
                try folder.write(Checkpoint(origin: origin, size: size, root: digest).signed(by: signer, name: origin), to: "bad.checkpoint")
            }
            let with = "--export ledger.export --checkpoint bad.checkpoint"
            try save(saved.size - 3, saved.root, by: key)
            try await refuse("a history that was rewritten", with, exits: 1, says: "against the saved checkpoint", "was rewritten", in: folder)
            try save(saved.size + 3, saved.root, by: key)
            try await refuse("a history that lost its end", with, exits: 1, says: "against the saved checkpoint", "missing at the end", in: folder)
            try save(saved.size, saved.root, by: SigningKey())
            try await refuse("a checkpoint of another key", with, exits: 65, says: "bad.checkpoint is no checkpoint", "another key", in: folder)
            try save(saved.size, saved.root, origin: "penstock/trains/staging", by: key)
            try await refuse("a checkpoint of another ledger", with, exits: 65, says: "bad.checkpoint is no checkpoint", "penstock/trains/staging", in: folder)
            let whole = try folder.read("saved.checkpoint")
            var random = Seeded(16)
            for length in [0, whole.count - 1] + (0..<4).map({ _ in random.below(whole.count) }) {
                try folder.write(Array(whole[..<length]), to: "bad.checkpoint")
                try await refuse("a checkpoint of \(length) bytes", with, exits: 65, says: "bad.checkpoint is no checkpoint", in: folder)
            }
        }

        private static func root(of folder: Folder) throws -> TrustRoot { try TrustRoot.openGenesis(try Envelope.read(folder.read("home/trust.json"))) }

        private static func key(_ name: String, _ folder: Folder) throws -> SigningKey { try key(folder.path + "/" + name) }

        private static func key(_ path: String) throws -> SigningKey {
            let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
            return try #require([UInt8](base64: String(lines[1])).flatMap { SigningKey(seed: $0) })
        }
    }
}
