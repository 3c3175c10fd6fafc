// The files of a decision service, read and checked on the user's side before anything is sent.
import Contracts
import Foundation
import Inference
import Primitives
import Releases
import YAMLDocuments

struct ServiceFiles {
    struct File {
        var path: String
        var bytes: [UInt8]
        var digest: Digest
        var document: DocumentNode

        init(_ path: String) throws {
            self.path = path
            bytes = try Files.read(path)
            digest = Digest.of(bytes)
            document = try YAMLDocumentParser().parse(bytes, file: path)
        }
    }

    var decision: File
    var policy: File
    var request: File
    var service: DecisionService

    init(decision path: String, policy policyPath: String) throws {
        decision = try File(path)
        service = try DecisionService.read(decision.document)
        policy = try File(policyPath)
        _ = try ReleasePolicy.read(policy.document)
        request = try File(path.contains("/") ? Files.folder(of: path) + "/" + service.input : service.input)
        _ = try DataContract.read(request.document)
        if let outcome = service.outcome { try Self.check(outcome, beside: path) }
    }

    /// The outcome contract is the team's own: it says what the truth is. Here its column is looked at, and that it can be compared with decisions.
    private static func check(_ outcome: OutcomeTerms, beside path: String) throws {
        let file = try File(path.contains("/") ? Files.folder(of: path) + "/" + outcome.contract : outcome.contract)
        let contract = try DataContract.read(file.document)
        guard let column = contract.columns.first(where: { $0.name == outcome.name.text }) else {
            throw Failure.badInput("\(file.path) has no column '\(outcome.name)', which \(path) names as its outcome; add it, or name one of its columns")
        }
        guard column.type == .boolean || column.type == .number || column.type == .integer else {
            throw Failure.badInput("\(file.path): the outcome '\(outcome.name)' is \(column.type.rawValue); an outcome is boolean, number or integer")
        }
    }

    var uploads: [File] { [decision, policy, request] }
}
