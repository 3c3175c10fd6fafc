// How a command ends when it cannot do what was asked.
import ArgumentParser
import Contracts
import ControlPlane
import ControlPlaneClient
import Evidence
import Pipelines
import Ports
import Primitives
import Releases
import ServingPlane

/// One sentence for people and a code for programs. Printed to standard error.
struct Failure: Error {
    var code: ExitCode
    var message: String

    static func no(_ message: String) -> Failure { Failure(code: ExitCode(1), message: message) }
    static func badInput(_ message: String) -> Failure { Failure(code: ExitCode(65), message: message) }
    static func missingFile(_ message: String) -> Failure { Failure(code: ExitCode(66), message: message) }
    static func unavailable(_ message: String) -> Failure { Failure(code: ExitCode(69), message: message) }
    static func bug(_ message: String) -> Failure { Failure(code: ExitCode(70), message: message) }
    static func cannotWrite(_ message: String) -> Failure { Failure(code: ExitCode(73), message: message) }
    static func refused(_ message: String) -> Failure { Failure(code: ExitCode(77), message: message) }
}

extension Failure {
    /// The failure that an error of another room amounts to; `nil` for errors that ArgumentParser should print.
    init?(translating error: any Error) {
        switch error {
        case let error as DocumentError: self = .badInput(error.description)
        case let error as EvidenceError: self = error.code == .malformed ? .badInput(error.message) : .refused(error.message)
        case let error as ReleaseError: self = .refused(error.message)
        case let error as DeskError: self.init(category: error.category.rawValue, rule: error.rule, message: error.message)
        case let error as ClientError: self.init(category: error.category, rule: error.rule, message: error.message)
        case let error as LedgerStoreError: self = error.code == .damaged ? .no(error.message) : .unavailable(error.message)
        case let error as DecisionStoreError: self = error.code == .unavailable ? .unavailable(error.message) : .no(error.message)
        case let error as ArtifactError: self = error.code == .missing ? .missingFile(error.message) : .no(error.message)
        case let error as ModelEngineError: self = error.code == .libraryMissing ? .unavailable(error.message) : .badInput(error.message)
        case let error as ServingError: self = .unavailable(error.message)
        case let error as ControlPlaneError: self = .unavailable(error.message)
        case let error as ContractError: self = .badInput(error.message)
        case let error as ModelProbeError: self = .badInput(error.message)
        case let error as PipelineError: self = .badInput(error.message)
        case let error as RunCatalogError: self = error.code == .damaged ? .no(error.message) : .unavailable(error.message)
        case let error as ProjectError:
            self = error.code == .missing ? .missingFile(error.message) : error.code == .cannotWrite ? .cannotWrite(error.message) : .badInput(error.message)
        case let error as StageRunnerError: self = .unavailable(error.message)
        default: return nil
        }
    }

    private init(category: String, rule: String, message: String) {
        switch category {
        case "invalid" where rule == "evidence": self = .refused(message)
        case "forbidden", "unauthenticated": self = .refused(message)
        case "invalid", "not-found", "conflict", "too-large", "local": self = .badInput(message)
        case "damaged": self = .no(message)
        default: self = .unavailable(message)
        }
    }
}
