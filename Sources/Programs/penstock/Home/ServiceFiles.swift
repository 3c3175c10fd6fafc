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
    }

    var uploads: [File] { [decision, policy, request] }
}
