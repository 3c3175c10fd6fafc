// A release under way at the keyboard: what is refused, what is shown, and the file that tells it all.
import Foundation
import Testing

extension ProgramTests.RunningTests {
    @Suite struct RolloutTests {
        static let orders = [
            Refusal(
                "a promotion of what waits for approval", "release promote rebooking-offer-4 --key cleo.key --reason x", exits: 65, says: "rebooking-offer-4 is awaiting approval",
                "no step"),
            Refusal("a promotion of what answers", "release promote rebooking-offer-0 --key cleo.key --reason x", exits: 65, says: "rebooking-offer-0 is live", "no step"),
            Refusal("a promotion of nothing", "release promote rebooking-offer-99 --key cleo.key --reason x", exits: 65, says: "rebooking-offer-99", "'penstock release list'"),
            Refusal("a promotion by nobody", "release promote rebooking-offer-4 --key eve.key --reason x", exits: 77, says: "eve.key is the key of nobody"),
            Refusal("a promotion without a reason", "release promote rebooking-offer-4 --key cleo.key", exits: 64, says: "--reason"),
            Refusal("a resumption of what was rolled back", "release resume rebooking-offer-1 --key cleo.key --reason x", exits: 65, says: "rebooking-offer-1 is rolled back"),
            Refusal("an extension that is no time", "release resume rebooking-offer-4 --key cleo.key --reason x --extend soon", exits: 65, says: "'soon'", "2d"),
            Refusal("an extension of no time", "release resume rebooking-offer-4 --key cleo.key --reason x --extend 0d", exits: 65, says: "'0d'"),
            Refusal(
                "an extension of parts of a second", "release resume rebooking-offer-4 --key cleo.key --reason x --extend 1500ms", exits: 65, says: "'1500ms'", "whole seconds"),
            Refusal(
                "harm of a guardrail that is not there", "release resume rebooking-offer-4 --key cleo.key --reason x --accept decision_flips", exits: 65,
                says: "so it is on no step"),
            Refusal("a pause of what has no share", "release pause rebooking-offer-4 --key ben.key --reason x", exits: 65, says: "rebooking-offer-4"),
            Refusal("a pause by nobody", "release pause rebooking-offer-4 --key eve.key --reason x", exits: 77, says: "eve.key is the key of nobody"),
            Refusal("a dossier of nothing", "release dossier rebooking-offer-99 --to new.html", exits: 65, says: "rebooking-offer-99", "'penstock release list'"),
            Refusal("a dossier over a file", "release dossier rebooking-offer-1 --to ada.key", exits: 73, says: "ada.key exists already", "nothing was overwritten"),
            Refusal("a dossier in no folder", "release dossier rebooking-offer-1 --to nowhere/new.html", exits: 73, says: "nowhere/new.html cannot be written"),
            Refusal("a dossier without a file", "release dossier rebooking-offer-1", exits: 64, says: "--to"),
        ]

        @Test(arguments: orders) func whatCannotBeIsRefused(_ refusal: Refusal) async throws { try await RunningInstallation.get().refuse(refusal) }

        @Test func aReleaseIsOneDocumentWithItsRollout() async throws {
            let output = try await RunningInstallation.get().succeed("release show rebooking-offer-1 --output json")
            let view = try JSONSerialization.jsonObject(with: Data(output.utf8)) as? [String: Any]
            let rollout = view?["rollout"] as? [String: Any]
            #expect(view?["id"] as? String == "rebooking-offer-1" && view?["phase"] as? String == "rolled back")
            #expect(rollout?["release"] as? String == "rebooking-offer-1" && (rollout?["steps"] as? [Any])?.isEmpty == false)
            #expect(output.contains(#""phase":"rolled back""#))
        }

        @Test func aReleaseIsToldWithItsPeople() async throws {
            let output = try await RunningInstallation.get().succeed("release show rebooking-offer-1")
            for text in ["rebooking-offer-1  rolled back  flight-delay@1", "people\n", "approved as risk-owner", "rolled back: complaints", "auc at least 0.8", "history\n"] {
                #expect(output.contains(text), "\(text): \(output)")
            }
            #expect(output.split(separator: "\n").allSatisfy { $0.count <= 100 })
        }

        @Test func theDossierIsWholeAndReplacesNothingUnasked() async throws {
            let installation = try RunningInstallation.get(), folder = installation.folder
            let said = try await installation.succeed("release dossier rebooking-offer-1 --to one.html")
            let html = String(decoding: try folder.read("one.html"), as: UTF8.self)
            #expect(said.contains("one.html") && html.hasPrefix("<!DOCTYPE html>") && html.hasSuffix("</html>\n"))
            #expect(html.contains("rolled back by cleo: complaints") && html.contains("flight-delay@1, registered by ada") && html.contains("approved as reviewer"))
            #expect(try folder.snapshot().entries["one.html"]?.hasPrefix("600 ") == true)
            #expect(!(try FileManager.default.contentsOfDirectory(atPath: folder.path)).contains { $0.hasSuffix(".new") })
            try folder.write("mine", to: "two.html")
            let run = try await Program.built.get().run(["release", "dossier", "rebooking-offer-1", "--to", "two.html"], in: folder.path, installation.variables)
            Refusal("", "", exits: 73, says: "two.html exists already").expectRefused(run)
            #expect(try folder.read("two.html") == Array("mine".utf8))
            try await installation.succeed("release dossier rebooking-offer-1 --to two.html --force")
            #expect(String(decoding: try folder.read("two.html"), as: UTF8.self).hasSuffix("</html>\n"))
        }

        /// What others wrote is text on the page.
        @Test func thePageIsCleanWhateverTheReason() async throws {
            let installation = try RunningInstallation.get()
            try await installation.succeed("release dossier rebooking-offer-3 --to three.html")
            let html = String(decoding: try installation.folder.read("three.html"), as: UTF8.self)
            #expect(html.contains("red \u{FFFD}[31m"))
            #expect(!html.unicodeScalars.contains { [.control, .format].contains($0.properties.generalCategory) && $0 != "\n" })
        }
    }
}
