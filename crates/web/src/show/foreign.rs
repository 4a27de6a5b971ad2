//! Why foreign messages were refused, in words.

use service::ForeignReason;

use crate::here::Here;

impl Here {
    pub(super) fn foreign_reason(&self, reason: ForeignReason) -> &'static str {
        let t = self.t;
        match reason {
            ForeignReason::Oversize => t.reason_foreign_oversize,
            ForeignReason::NotJson => t.reason_foreign_not_json,
            ForeignReason::TooDeep => t.reason_foreign_too_deep,
            ForeignReason::DuplicateKey => t.reason_foreign_duplicate_key,
            ForeignReason::MissingPointer => t.reason_foreign_missing_pointer,
            ForeignReason::WrongType => t.reason_foreign_wrong_type,
            ForeignReason::NotANumber => t.reason_foreign_not_a_number,
            ForeignReason::OutOfRange => t.reason_foreign_out_of_range,
            ForeignReason::Fraction => t.reason_foreign_fraction,
            ForeignReason::TimeMissing => t.reason_foreign_time_missing,
            ForeignReason::TimeUnreadable => t.reason_foreign_time_unreadable,
            ForeignReason::TimeOutOfRange => t.reason_foreign_time_out_of_range,
            ForeignReason::UnknownDevice => t.reason_foreign_unknown_device,
            ForeignReason::OtherDevicesTopic => t.reason_foreign_other_devices_topic,
            ForeignReason::TopicShape => t.reason_foreign_topic_shape,
            ForeignReason::NoSamples => t.reason_foreign_no_samples,
            ForeignReason::TooManySamples => t.reason_foreign_too_many_samples,
            ForeignReason::DataUnreadable => t.reason_foreign_data_unreadable,
            ForeignReason::DataTooShort => t.reason_foreign_data_too_short,
            ForeignReason::NotVouched => t.reason_foreign_not_vouched,
        }
    }
}
