//! Why foreign messages were refused, in words.

use service::ForeignReason;

use crate::here::Here;

impl Here {
    pub(super) fn foreign_reason(&self, reason: ForeignReason) -> &'static str {
        match reason {
            ForeignReason::Oversize => self.t.reason_foreign_oversize,
            ForeignReason::NotJson => self.t.reason_foreign_not_json,
            ForeignReason::TooDeep => self.t.reason_foreign_too_deep,
            ForeignReason::DuplicateKey => self.t.reason_foreign_duplicate_key,
            ForeignReason::MissingPointer => self.t.reason_foreign_missing_pointer,
            ForeignReason::WrongType => self.t.reason_foreign_wrong_type,
            ForeignReason::NotANumber => self.t.reason_foreign_not_a_number,
            ForeignReason::OutOfRange => self.t.reason_foreign_out_of_range,
            ForeignReason::Fraction => self.t.reason_foreign_fraction,
            ForeignReason::TimeMissing => self.t.reason_foreign_time_missing,
            ForeignReason::TimeUnreadable => self.t.reason_foreign_time_unreadable,
            ForeignReason::TimeOutOfRange => self.t.reason_foreign_time_out_of_range,
            ForeignReason::UnknownDevice => self.t.reason_foreign_unknown_device,
            ForeignReason::OtherDevicesTopic => self.t.reason_foreign_other_devices_topic,
            ForeignReason::TopicShape => self.t.reason_foreign_topic_shape,
            ForeignReason::NoSamples => self.t.reason_foreign_no_samples,
            ForeignReason::TooManySamples => self.t.reason_foreign_too_many_samples,
            ForeignReason::DataUnreadable => self.t.reason_foreign_data_unreadable,
            ForeignReason::DataTooShort => self.t.reason_foreign_data_too_short,
            ForeignReason::NotVouched => self.t.reason_foreign_not_vouched,
        }
    }
}
