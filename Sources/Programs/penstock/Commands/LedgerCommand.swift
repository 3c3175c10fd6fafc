// The history, and its proof.
import ArgumentParser
import ControlPlaneClient
import Evidence
import Foundation
import Ports
import Primitives
import Releases

struct LedgerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger", abstract: "Exports and verifies the history.", discussion: "  penstock ledger verify",
        subcommands: [Export.self, CheckpointCommand.self, Verify.self])

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Writes the whole ledger with a fresh checkpoint to a file.", discussion: "  penstock ledger export --to ledger.export")
        @OptionGroup var connection: ConnectionOptions
        @Option(help: "The file to write; it must not exist.") var to: String

        func run() async throws {
            let bytes = try await connection.withClient { try await $0.exportBytes() }
            try Files.write(bytes, to: to)
            print("Wrote \(bytes.count) bytes to \(to); check them anywhere with 'penstock ledger verify --export \(to) --trust trust.json'.")
        }
    }

    struct CheckpointCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "checkpoint", abstract: "Saves a signed checkpoint, to hold the history against later.",
            discussion: "  penstock ledger checkpoint --to friday.checkpoint")
        @OptionGroup var connection: ConnectionOptions
        @Option(help: "The file to write; it must not exist.") var to: String

        func run() async throws {
            let note = try await connection.withClient { try await $0.checkpoint() }
            try Files.write(note, to: to)
            print("Saved the checkpoint to \(to).")
        }
    }

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Proves an export: every leaf, the root, the signature, an earlier checkpoint, and that every entry was allowed.",
            discussion: """
                Works offline, with nothing but the export and the trust root. Exit code 1 and the first bad place when it does not hold.

                  penstock ledger verify --export ledger.export --trust trust.json --checkpoint friday.checkpoint
                  penstock ledger verify            the running control plane's own ledger
                """)
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "An export file. Default: ask the control plane.") var export: String?
        @Option(help: "The trust root. Default: the installation's own.") var trust: String?
        @Option(help: "A checkpoint saved earlier.") var checkpoint: String?

        func run() async throws {
            let root = try trust.map { try TrustFile.root($0) } ?? connection.home.resolved.trustRoot()
            let saved = try checkpoint.map { try Self.open(checkpoint: $0, root) }
            let bytes: [UInt8]
            if let export {
                bytes = try Files.read(export, limit: Int.max - 1)
            } else {
                bytes = try await connection.withClient { try await $0.exportBytes() }
            }
            let report = try Self.verify(bytes, root: root, saved: saved)
            output.show(
                report, columns: ["entries", "root", "checkpoint", "live now"],
                rows: [[String(report.entries), report.root.short, saved.map { "holds at \($0.size)" } ?? "none given", report.live.joined(separator: ", ")]], empty: "")
        }

        private static func open(checkpoint path: String, _ root: TrustRoot) throws -> Checkpoint {
            let note = try Files.read(path)
            do { return try Checkpoint.open(note, origin: root.ledgerOrigin, key: root.services.ledger) } catch {
                throw Failure.badInput("\(path) is no checkpoint to hold this ledger against: \(error.message); give one that 'penstock ledger checkpoint' saved")
            }
        }

        struct Report: Codable {
            var entries: Int
            var root: Digest
            var live: [String]
        }

        static func verify(_ bytes: [UInt8], root: TrustRoot, saved: Checkpoint?) throws -> Report {
            let verified: LedgerExportVerifier.Verified
            do {
                verified = try LedgerExportVerifier(origin: root.ledgerOrigin, key: root.services.ledger, saved: saved).verify(bytes)
            } catch {
                throw Failure.no("the ledger does not hold, \(error)")
            }
            var state = SystemState()
            for (index, entry) in verified.entries.enumerated() {
                do { try state.apply(entry) } catch { throw Failure.no("ledger entry \(index) (\(entry.kind)) breaks a rule: \(error)") }
            }
            guard state.trust == root else {
                throw Failure.no("the ledger belongs to another trust root than the one given; its history was allowed by other people")
            }
            let live = state.table?.routes.map { route in
                state.releases.values.first { $0.specDigest == route.champion }?.id.text ?? route.champion.short
            }
            return Report(entries: verified.size, root: verified.root, live: live ?? [])
        }
    }
}
